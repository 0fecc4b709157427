package jsonio

import (
	"math"
	"strconv"
)

// Int reads an integer that fits bits (8 to 64) with a sign; null is 0. Fractions and exponents are refused,
// even where the value would be whole, as encoding/json does.
func (r *Reader) Int(bits int) int64 {
	start := r.pos
	neg, v, ok := r.integer(&start)
	if !ok {
		return 0
	}
	limit := uint64(1) << (bits - 1)
	switch {
	case neg && v <= limit:
		return -int64(v)
	case !neg && v < limit:
		return int64(v)
	}
	r.failRange(start, "from "+strconv.FormatInt(-1<<(bits-1), 10)+" to "+strconv.FormatUint(limit-1, 10))
	return 0
}

// Uint reads an integer that fits bits (8 to 64) without a sign; null is 0.
func (r *Reader) Uint(bits int) uint64 {
	start := r.pos
	neg, v, ok := r.integer(&start)
	if !ok {
		return 0
	}
	limit := uint64(math.MaxUint64) >> (64 - bits)
	if neg || v > limit {
		r.failRange(start, "from 0 to "+strconv.FormatUint(limit, 10))
		return 0
	}
	return v
}

// integer reads the magnitude of an integer. What does not fit 64 bits is the largest value, with ok false and
// an error. start becomes the place of the number.
func (r *Reader) integer(start *int) (neg bool, v uint64, ok bool) {
	c := r.peek()
	*start = r.pos
	if c != '-' && (c < '0' || c > '9') {
		if !r.Null() {
			r.failValue("an integer")
		}
		return false, 0, false
	}
	end := r.number()
	if end < 0 {
		return false, 0, false
	}
	digits := r.data[*start:end]
	if neg = digits[0] == '-'; neg {
		digits = digits[1:]
	}
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 {
			r.fail(*start, "expected an integer, found the number "+clip(r.data[*start:end]))
			return false, 0, false
		}
		if v > (math.MaxUint64-d)/10 {
			r.failRange(*start, "of 64 bits")
			return false, 0, false
		}
		v = v*10 + d
	}
	return neg, v, true
}

// number consumes a number of any form and gives its end, -1 when it is malformed.
func (r *Reader) number() int {
	i := r.pos
	if i < len(r.data) && r.data[i] == '-' {
		i++
	}
	first := i
	if i = r.digits(i); i < 0 || r.data[first] == '0' && i > first+1 {
		r.fail(r.pos, "malformed number")
		return -1
	}
	if i < len(r.data) && r.data[i] == '.' {
		i = r.digits(i + 1)
	}
	if i > 0 {
		i = r.exponent(i)
	}
	if i < 0 {
		r.fail(r.pos, "malformed number")
		return -1
	}
	r.pos = i
	return i
}

// exponent gives the end of the exponent at i: i when there is none, -1 when it is malformed.
func (r *Reader) exponent(i int) int {
	if i == len(r.data) || r.data[i] != 'e' && r.data[i] != 'E' {
		return i
	}
	if i++; i < len(r.data) && (r.data[i] == '+' || r.data[i] == '-') {
		i++
	}
	return r.digits(i)
}

// digits gives the end of at least one digit at i, -1 when there is none.
func (r *Reader) digits(i int) int {
	start := i
	for i < len(r.data) && '0' <= r.data[i] && r.data[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// failRange is for a number that the field cannot hold.
func (r *Reader) failRange(start int, what string) {
	end := start
	for end < len(r.data) && (r.data[end] == '-' || '0' <= r.data[end] && r.data[end] <= '9') {
		end++
	}
	r.fail(start, "expected an integer "+what+", found "+clip(r.data[start:end]))
}

// clip keeps what a document contains from filling the screen.
func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}
