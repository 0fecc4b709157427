// Package spec is everything that depends on the OCI runtime-spec schema alone: reading config.json,
// decoding it, finding what is wrong with it, and the document that "spec" writes.
//
// It never looks at the machine (no kernel version, no stat of the paths a document names): a document is
// judged by its shape, and what this kernel can do is judged later, from host facts. Load and LoadProcess
// read the one file they are given; everything else is pure, and compiles on any Unix.
//
// It may import the standard library and runtime-spec's specs-go, and package rlimit. It must not import
// encoding/json, regexp or anything else that costs start-up time: a runtime decodes one document and exits, so reflection caches
// would be built cold, every time.
package spec
