package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// maxElements bounds the elements of a document: four megabytes of "{},{}," would become hundreds in memory.
const (
	maxElements = 100_000
	maxDepth    = 64
)

// decode parses a document of an image, after counting what it would become. Unknown fields are ignored, as the
// specification demands.
func decode(what string, raw []byte, into any) error {
	if err := countElements(raw); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// countElements refuses JSON that is small as text and large as a value. It need not know all of JSON's grammar:
// what it takes for an element too many is one, or is not valid JSON, which the decoder says.
func countElements(raw []byte) error {
	depth, elements, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if quoted {
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
			continue
		}
		switch c {
		case '"':
			quoted = true
		case '{', '[':
			depth++
			elements++
		case '}', ']':
			depth--
		case ',':
			elements++
		}
		if depth > maxDepth {
			return fmt.Errorf("nested more than %d deep", maxDepth)
		}
		if elements > maxElements {
			return fmt.Errorf("more than %d elements", maxElements)
		}
	}
	return nil
}

func sum(raw []byte) string {
	d := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(d[:])
}
