// Package warm prepares the Go runtime, before the first Go code runs, for a process that lives some milliseconds.
//
//   - It makes the main goroutine's stack as large as it will be, while there is nothing on it. Growing on the way copies
//     it three times, each through the tables of all frames (about 50 pages touched).
//   - It turns off the sampling of allocations. The linker does that too where nobody reads the profile, but too late:
//     the first allocation of a process is sampled, and unwound for it (about 30 pages).
//   - It has the Go runtime run one goroutine at a time, whose threads cost more than they give.
//   - It gives the Go runtime's monitor thread a large timer slack (prctl(2), PR_SET_TIMERSLACK). That thread sleeps for 20 µs
//     at a time while the others work; with the usual slack it took an eighth of the processor time of a `run`, and preempted
//     the container's init where processors are few. Threads and processes inherit the slack: see Inherit.
//   - It keeps the process on the CPU that it is on (sched_setaffinity(2)) until it starts another. While the Go runtime
//     starts, its first threads take turns five times, and each time to wake an idle CPU takes as long as some page faults.
//   - Where a page fault is slow it maps what would be touched page by page: the Go runtime's code, the program's data, and
//     the beginning of the heap. Hypervisors that keep page tables of their own make a fault take 10 µs and more; elsewhere
//     it takes half a microsecond, and mapping pages that may stay unused costs more than their faults. So the first fault
//     is timed.
//     docs/choices.md has the figures.
//
// All but the stack is done by entry, and so only where the program is linked with
// -E github.com/gspawn/gspawn-oci/internal/warm.entry, as the Makefile does. With GOEXPERIMENT=norandomizedheapbase64 the
// heap begins where the Go runtime's first mapping for it does; without, it begins anywhere in it.
//
// It is for the main package to import, and must import nothing but runtime: packages are initialised in the
// order of their paths as far as their imports allow, so this one comes before all that would need a larger stack.
package warm

import "runtime"

// Procs and OneProc are the environment variable, and its value, by which entry tells the Go runtime about its threads.
// It stands after all others, and of those of one name the first counts. The value is a way to write 1 that nobody else
// has, so that the program knows it and keeps it from its children.
const (
	Procs   = "GOMAXPROCS"
	OneProc = "01"
)

// What entry needs; the linker lays both out. The string ends as C's do.
var (
	setting  = Procs + "=" + OneProc + "\x00" //nolint:unused // entry is assembly
	sampling = &runtime.MemProfileRate        //nolint:unused // the same
	slack    uintptr                          //nolint:unused // the same; nanoseconds, what the process began with
	cpus     [1024]byte                       //nolint:unused // the same; the CPUs that the process began with
	cpusSize uintptr                          //nolint:unused // the same; how much of them the kernel uses, 0 for nothing to restore
	one      [1024]byte                       //nolint:unused // the same; the CPU that it is on
	// untouched has a page that nothing else lies on. Writing to it is the fault that is timed.
	untouched [2 * 4096]byte //nolint:unused // the same
)

// Inherit gives the calling thread the timer slack and the CPUs that the process began with. Whoever starts a process that
// is not gone in a moment calls this right before: a process inherits from the thread that starts it.
func Inherit() {
	restoreSlack()
	FreeThread(0)
}

// restoreSlack is for the main thread too: others than the monitor's are to keep to their time.
func restoreSlack()

// FreeThread gives a thread of this process the CPUs that the process began with; 0 is the calling one. A process that stays
// does that for all of its threads.
func FreeThread(tid int)

// grow needs as much stack as the program ever does, and so makes it.
func grow()

func init() {
	restoreSlack()
	grow()
}
