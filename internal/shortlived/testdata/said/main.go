// Command said prints what the Go runtime made of it, a word and a value a line, and then its mappings.
package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	maps, _ := os.ReadFile("/proc/self/smaps")
	threads, _ := os.ReadDir("/proc/self/task")
	println("procs", runtime.GOMAXPROCS(0))
	println("threads", len(threads))
	println("heap", &maps[0])
	println("signal", realTime())
	println("handover", handOver().Microseconds())
	println("sum", collect())
	_, _ = os.Stdout.Write(maps)
}

// realTime sends this process a signal that it has asked for.
func realTime() bool {
	const realTimeSignal = syscall.Signal(36)
	got := make(chan os.Signal, 1)
	signal.Notify(got, realTimeSignal)
	_ = syscall.Kill(os.Getpid(), realTimeSignal)
	return <-got == realTimeSignal
}

// handOver is how long a goroutine waits for another that stays in a system call.
func handOver() time.Duration {
	var pipe [2]int
	_ = syscall.Pipe(pipe[:])
	start, first := time.Now(), make(chan time.Duration)
	go func() {
		go func() { first <- time.Since(start) }()
		_, _ = syscall.Read(pipe[0], make([]byte, 1))
	}()
	defer func() { _, _ = syscall.Write(pipe[1], []byte{0}) }()
	return <-first
}

// collect has the garbage collector run beside goroutines that allocate, whose stacks grow.
func collect() (sum int) {
	results := make(chan int)
	for i := range 8 {
		go func() { results <- depth(1000, make([]int, 1000+i)) }()
	}
	for range 8 {
		sum += <-results
		runtime.GC()
	}
	return sum
}

func depth(n int, data []int) int {
	if n == 0 {
		return len(data)
	}
	return depth(n-1, append([]int(nil), data...))
}
