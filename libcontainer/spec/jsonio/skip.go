package jsonio

// Skip consumes one value of any kind and checks its syntax. It does not recurse: what is skipped is
// whatever somebody put into the document.
func (r *Reader) Skip() {
	var array [MaxDepth]bool // is the open container at this depth an array?
	depth := 0
	for {
		opened := r.skipOne(&array, &depth)
		if r.err != nil || depth == 0 {
			return
		}
		if opened {
			continue
		}
		if !r.skipBetween(&array, &depth) {
			return
		}
	}
}

// skipOne consumes a scalar or an empty container, or the start of a container and (of an object) its first
// key; then it tells so.
func (r *Reader) skipOne(array *[MaxDepth]bool, depth *int) (opened bool) {
	switch c := r.peek(); c {
	case '"':
		r.text()
	case '{', '[':
		if *depth == MaxDepth {
			r.fail(r.pos, "nested too deeply")
			return false
		}
		array[*depth] = c == '['
		if c == '[' {
			opened = r.Array()
		} else {
			_, opened = r.Object()
		}
		if opened {
			*depth++
		}
	case 't', 'f':
		r.Bool()
	case 'n':
		r.Null()
	default:
		if c != '-' && (c < '0' || c > '9') {
			r.failSyntax("a value")
			return false
		}
		r.number()
	}
	return opened
}

// skipBetween consumes what follows a value up to the next one, closing what ends. It is false when the
// outermost container was closed, or after an error.
func (r *Reader) skipBetween(array *[MaxDepth]bool, depth *int) bool {
	for *depth > 0 {
		more := false
		if array[*depth-1] {
			more = r.Next()
		} else {
			_, more = r.Key()
		}
		if r.err != nil {
			return false
		}
		if more {
			return true
		}
		*depth--
	}
	return false
}
