package ld

import (
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"internal/abi"
	"math"
	"sort"
	"strings"
)

// place is where a symbol of the data goes, by symbol: the lower, the nearer to the beginning of its section.
var place []int32

const (
	placeItab = iota // package runtime enters all itabs in a table at the start, by what their types are
	placeUsed        // plus the position of the first function that uses it
	placeRest = math.MaxInt32
)

// The edits are of what -randlayout does. With the flag set here, Go's own linker, if it were run by mistake, would not lay
// everything out at random.
func init() { *flagRandLayout = 1 }

// layOut moves the functions that the list names to the beginning, in its order. The list may name functions that are not
// there.
func layOut(ctxt *Link, textp []loader.Sym) {
	ldr, position := ctxt.loader, map[string]int{}
	names := strings.Split(strings.TrimSpace(usedFunctions), "\n")
	for i, name := range names {
		position[name] = i - len(names)
	}
	sort.SliceStable(textp, func(i, j int) bool {
		return position[ldr.SymName(textp[i])] < position[ldr.SymName(textp[j])]
	})
	used := sort.Search(len(textp), func(i int) bool { return position[ldr.SymName(textp[i])] == 0 })
	placeData(ctxt, textp[:used])
}

// placeData decides which data goes to the beginning: what these functions refer to.
func placeData(ctxt *Link, used []loader.Sym) {
	ldr := ctxt.loader
	place = make([]int32, ldr.NSym())
	for s := range place {
		place[s] = placeRest
	}
	for s := range loader.Sym(len(place)) {
		if ldr.AttrReachable(s) && ldr.IsItab(s) {
			place[s] = placeItab
			relocs := ldr.Relocs(s)
			place[decodeRelocSym(ldr, s, &relocs, 0)] = placeItab // the interface
			place[decodeItabType(ldr, ctxt.Arch, s)] = placeItab
		}
	}
	for i, s := range used {
		placeReferences(ctxt, s, placeUsed+int32(i))
	}
}

func placeReferences(ctxt *Link, s loader.Sym, at int32) {
	relocs := ctxt.loader.Relocs(s)
	for i := range relocs.Count() {
		r := relocs.At(i)
		if t := r.Sym(); t != 0 && r.Siz() != 0 && place[t] == placeRest { // without a size it is a note for the linker
			place[t] = at
			if passedOn(ctxt, t) {
				placeReferences(ctxt, t, at)
			}
		}
	}
}

// passedOn is whether the data stands for other data that is read with it: the dictionary of a generic function, and the
// type of a map, channel or array, whose elements are allocated.
func passedOn(ctxt *Link, s loader.Sym) bool {
	if !ctxt.loader.IsGoType(s) {
		return strings.Contains(ctxt.loader.SymName(s), "..dict.")
	}
	switch decodetypeKind(ctxt.Arch, ctxt.loader.Data(s)) {
	case abi.Map, abi.Chan, abi.Array:
		return true
	}
	return false
}

// placeOf is for the comparison of two symbols of a kind. What is used of the writable data stays in the order of size: the
// little that is not large comes to lie together.
func placeOf(kind sym.SymKind, s loader.Sym) int32 {
	switch {
	case int(s) >= len(place): // made later
		return placeRest
	case kind >= sym.SFirstWritable && place[s] != placeRest:
		return placeItab
	}
	return place[s]
}
