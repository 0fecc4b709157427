// Package image finds the one image that is wanted among those in an archive or OCI layout, and says which blobs it is
// made of: OCI layouts (indexes within indexes, several platforms), docker-save archives of all ages.
//
// It must never apply a layer or write anything, and never let a document decide how much memory is used. All
// documents are checked against the digests that lead to them. It may import archive and stream.
package image
