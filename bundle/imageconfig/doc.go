// Package imageconfig turns an image's configuration into a runtime configuration, by the rules of the image
// specification (conversion.md), row by row.
//
// It is pure: the image's passwd and group files are parameters. It must never trust the configuration: what would steer a
// runtime or could not be passed to a process is left out or refused. It may import the standard library, the OCI
// runtime types and bundle/image.
package imageconfig
