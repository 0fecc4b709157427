// Command laid prints where the linker has laid two functions, the variables that they use, and the types: a name and an
// address a line. Go's own linker lays what seldom uses first, for it is smaller.
package main

import (
	"reflect"
	"runtime"
)

type (
	few  struct{ a *int }
	many struct{ a, b, c *int }
)

var (
	little *int
	much   struct{ a, b, c *int }
)

//go:noinline
func seldom() any { return few{little} }

//go:noinline
func often() any { return many{much.a, much.b, much.c} }

func main() {
	for _, f := range []func() any{seldom, often} {
		pc := reflect.ValueOf(f).Pointer()
		println(runtime.FuncForPC(pc).Name(), pc)
		t := reflect.TypeOf(f())
		println(t.Name(), reflect.ValueOf(t).Pointer())
	}
	println("little", &little)
	println("much", &much)
}
