package settings

import (
	"fmt"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// splitWords splits a line into words as systemd does: at white space, with
// quotes and C escapes.
func splitWords(line string) ([]string, error) {
	var words []string
	for i := 0; i < len(line); {
		if strings.IndexByte(" \t\n\r", line[i]) >= 0 {
			i++
			continue
		}
		var raw strings.Builder
		length, err := scanWord(line[i:], &raw)
		if err != nil {
			return nil, err
		}
		word, err := nspawn.Unescape(raw.String())
		if err != nil {
			return nil, err
		}
		words = append(words, string(word))
		i += length
	}
	return words, nil
}

// scanWord copies a word without its quotes, escapes left as they are, and
// gives the length of what it read.
func scanWord(line string, raw *strings.Builder) (int, error) {
	var quote byte
	i := 0
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line):
			raw.WriteString(line[i : i+2])
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(" \t\n\r", c) >= 0:
			return i, nil
		default:
			raw.WriteByte(c)
		}
	}
	if quote != 0 {
		return 0, fmt.Errorf("a quote has no end")
	}
	return i, nil
}
