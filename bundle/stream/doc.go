// Package stream turns the bytes of a blob into the bytes of a tar file, fast and within bounds: it recognises the
// compression by its magic, decompresses ahead of the consumer on another core, and hashes what goes by on the way.
//
// It must never trust what an image says about a blob (media type, size, name), never hold more than a few
// megabytes, and never touch a file system. It may import the standard library and decoders only.
package stream
