//go:build faultinject

package fault

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Victim is who is killed.
type Victim int

// The victims.
const (
	Nobody Victim = iota
	Runtime
	Init
)

// GSPAWN_OCI_FAULT chooses the place: "move:N" is the N-th place between moves
// of the runtime, "step:N" the end of plan step N with the runtime killed,
// "init:N" the same with the init killed.
var (
	kind, number = parse(os.Getenv("GSPAWN_OCI_FAULT"))
	moves        int
)

func parse(text string) (string, int) {
	kind, number, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		return "", 0
	}
	return kind, n
}

// At is a place between two moves of the runtime.
func At() {
	moves++
	if kind == "move" && moves == number {
		Kill()
	}
}

// Kill ends this process as kill -9 does.
func Kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// AfterStep says what is to happen once the init has done plan step i.
func AfterStep(i int) Victim {
	if number != i {
		return Nobody
	}
	switch kind {
	case "step":
		return Runtime
	case "init":
		return Init
	}
	return Nobody
}
