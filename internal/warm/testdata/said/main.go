// Command said prints what reached it: arguments, environment, what the Go runtime was told, timer slacks, CPUs, and how
// much of the program's mappings was in memory.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/gspawn/gspawn-oci/internal/warm"
)

func main() {
	maps, _ := os.ReadFile("/proc/self/smaps")
	heap := fmt.Sprintf("%p", &maps[0])
	slacks := []string{} // of each thread, then of a child
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/" + task.Name() + "/timerslack_ns")
		slacks = append(slacks, strings.TrimSpace(string(text)))
	}
	cpus := []string{allowed("/proc/thread-self/status")} // of the main thread, before and after, and of a child
	warm.Inherit()
	cpus = append(cpus, allowed("/proc/thread-self/status"))
	status, _ := exec.Command("/bin/cat", "/proc/self/status").Output()
	cpus = append(cpus, allowedOf(string(status)))
	warm.Inherit() // this may be another thread by now
	text, _ := exec.Command("/bin/cat", "/proc/self/timerslack_ns").Output()
	slacks = append(slacks, strings.TrimSpace(string(text)))
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"args": os.Args[1:], "env": os.Environ(), "procs": runtime.GOMAXPROCS(0), "rate": runtime.MemProfileRate, "slacks": slacks,
		"maps": string(maps), "heap": heap, "cpus": cpus,
	})
}

func allowed(file string) string {
	status, _ := os.ReadFile(file)
	return allowedOf(string(status))
}

func allowedOf(status string) string {
	_, list, _ := strings.Cut(status, "Cpus_allowed_list:")
	list, _, _ = strings.Cut(list, "\n")
	return strings.TrimSpace(list)
}
