package spec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// nulHarmless are the strings that no system call gets to see, or that others judge.
var nulHarmless = []string{
	".Annotations", ".Process.CommandLine", ".Process.User.Username", ".Linux.Seccomp",
	".Process.Capabilities", ".Solaris", ".Windows", ".VM", ".ZOS", ".FreeBSD",
}

// TestNULIsFoundEverywhere puts a NUL byte into each string of the schema in turn: one that passed would end an
// argument of a system call early, and mean another path than the one that was checked.
func TestNULIsFoundEverywhere(t *testing.T) {
	var s specs.Spec
	n := 0
	fill(reflect.ValueOf(&s).Elem(), &n)
	addNamespace(&s, specs.UTSNamespace, "") // without which a host name is refused unseen
	tried := 0
	eachString(reflect.ValueOf(&s).Elem(), "", func(path string, set func(string), old string) {
		for _, h := range nulHarmless {
			if strings.HasPrefix(path, h) {
				return
			}
		}
		tried++
		set("a\x00b")
		defer set(old)
		if err := Validate(&s); err == nil || !strings.Contains(err.Error(), `a\x00b`) {
			t.Errorf("no finding shows the value of %s", path)
		}
	})
	if tried < 60 {
		t.Errorf("only %d strings were tried", tried)
	}
}

// eachString visits every string below v, names in maps included.
func eachString(v reflect.Value, path string, visit func(path string, set func(string), old string)) {
	switch v.Kind() {
	case reflect.Pointer:
		eachString(v.Elem(), path, visit)
	case reflect.Struct:
		for f, e := range v.Fields() {
			eachString(e, path+"."+f.Name, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachString(v.Index(i), path+"["+strconv.Itoa(i)+"]", visit)
		}
	case reflect.Map:
		eachInMap(v, path, visit)
	case reflect.String:
		visit(path, v.SetString, v.String())
	}
}

func eachInMap(v reflect.Value, path string, visit func(path string, set func(string), old string)) {
	for _, key := range v.MapKeys() {
		e := v.MapIndex(key)
		now := key
		visit(path+" name", func(s string) {
			v.SetMapIndex(now, reflect.Value{})
			now = reflect.ValueOf(s)
			v.SetMapIndex(now, e)
		}, key.String())
		changed := reflect.New(e.Type()).Elem()
		changed.Set(e)
		eachString(changed, fmt.Sprintf("%s[%q]", path, key), func(p string, set func(string), old string) {
			visit(p, func(s string) {
				set(s)
				v.SetMapIndex(key, changed)
			}, old)
		})
	}
}
