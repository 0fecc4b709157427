package relay

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const helperEnv = "GSPAWN_TEST_RELAY"

// TestMain is also the process that relays: handlers last as long as a process.
func TestMain(m *testing.M) {
	switch os.Getenv(helperEnv) {
	case "":
		os.Exit(m.Run())
	case "release":
		release()
	case "take":
		take()
	}
	pid, err := strconv.Atoi(os.Getenv(helperEnv))
	if err != nil {
		panic(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		panic(err)
	}
	if err := Start(fd); err != nil {
		panic(err)
	}
	for range 4 { // signals arrive on whichever thread; stacks move, and are collected
		go func() {
			for {
				grow(50)
				runtime.GC()
			}
		}()
	}
	os.Stdout.WriteString("ready\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	Stop()
	os.Stdout.WriteString("stopped\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(7)
}

// release hands over to os/signal after a line, and says what it was sent before and after.
func release() {
	if err := Hold(); err != nil {
		panic(err)
	}
	os.Stdout.WriteString("ready\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	got := make(chan os.Signal, 8)
	signal.Notify(got, unix.SIGTERM, unix.Signal(37))
	Release()
	for _, s := range Held() {
		os.Stdout.WriteString("held " + strconv.Itoa(int(s)) + "\n")
	}
	// Once more, as for the second boot of a system.
	if err := Hold(); err != nil {
		panic(err)
	}
	Release()
	for s := range got {
		os.Stdout.WriteString("got " + strconv.Itoa(int(s.(unix.Signal))) + "\n")
	}
}

// take holds two signals, one of which was ignored, twice, and says what it can take and when it was woken.
func take() {
	fd, err := Wake()
	if err != nil {
		panic(err)
	}
	in, say := bufio.NewReader(os.Stdin), func(s string) { os.Stdout.WriteString(s + "\n") }
	for range 2 {
		if err := Hold(unix.SIGTERM, unix.SIGHUP); err != nil {
			panic(err)
		}
		say("ready")
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for n := 0; n == 0; {
			n, _ = unix.Poll(poll, -1)
		}
		_, _ = in.ReadString('\n')
		_, _ = unix.Read(fd, make([]byte, 8))
		for s := Take(unix.SIGHUP, unix.SIGTERM, unix.SIGINT); s != 0; s = Take(unix.SIGHUP, unix.SIGTERM, unix.SIGINT) {
			say("took " + strconv.Itoa(int(s)))
		}
		for _, s := range Held() {
			say("left " + strconv.Itoa(int(s)))
		}
		Release()
		say("released " + strconv.FormatBool(!Holding()))
	}
	_, _ = in.ReadString('\n')
}

func grow(n int) int {
	var pad [512]byte
	if n == 0 {
		return len(pad)
	}
	return grow(n-1) + int(pad[n])
}

// TestRelay sends every signal to a process that relays, and looks at what the
// other one gets.
func TestRelay(t *testing.T) {
	// Under nohup(1) a shell could not trap SIGHUP. What is caught here is not
	// ignored in what is executed.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)
	defer signal.Stop(caught)
	receiver := exec.Command("sh", "-c", `
		for s in 1 2 3 10 12 14 18 20 28 35 37 50 64; do trap "echo $s" $s; done
		echo ready; while :; do sleep 0.01; done`)
	heard := start(t, receiver)
	relayer := exec.Command(os.Args[0])
	relayer.Env = append(os.Environ(), helperEnv+"="+strconv.Itoa(receiver.Process.Pid))
	in, err := relayer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := start(t, relayer)
	for _, s := range []string{"1", "2", "3", "10", "12", "14", "18", "20", "28", "35", "37", "50", "64"} {
		n, _ := strconv.Atoi(s)
		for range 3 {
			if err := relayer.Process.Signal(unix.Signal(n)); err != nil {
				t.Fatalf("the relaying process is gone: %v", err)
			}
			if got := line(t, heard); got != s {
				t.Fatalf("sent %s, the receiver got %q", s, got)
			}
		}
	}
	// Those about us alone must not end us either.
	for _, s := range []unix.Signal{unix.SIGURG, unix.SIGCHLD} {
		if err := relayer.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = in.Write([]byte("\n"))
	if got := line(t, said); got != "stopped" {
		t.Fatalf("got %q", got)
	}
	if err := relayer.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Write([]byte("\n"))
	if err := relayer.Wait(); err == nil || relayer.ProcessState.ExitCode() != 7 {
		t.Errorf("the relaying process ended with %v", err)
	}
	if err := receiver.Process.Signal(unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := line(t, heard); got != "10" {
		t.Errorf("after Stop the receiver got %q", got)
	}
}

// TestRelease holds signals, and hands over to os/signal.
func TestRelease(t *testing.T) {
	relayer := exec.Command(os.Args[0])
	relayer.Env = append(os.Environ(), helperEnv+"=release")
	in, err := relayer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := start(t, relayer)
	send := func(list ...unix.Signal) {
		for _, s := range list {
			if err := relayer.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(list ...string) {
		for _, want := range list {
			if got := line(t, said); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	}
	send(unix.SIGTERM, unix.SIGWINCH, 37)
	_, _ = in.Write([]byte("\n"))
	expect("held 15", "held 28", "held 37")
	for range 3 { // the one may overtake the other
		send(unix.SIGTERM)
		expect("got 15")
		send(37)
		expect("got 37")
	}
}

// TestTake takes what was held of some signals, but for the one that was ignored, and is rid of them after.
func TestTake(t *testing.T) {
	holder := exec.Command("sh", "-c", "trap '' HUP; exec "+os.Args[0])
	holder.Env = append(os.Environ(), helperEnv+"=take")
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := start(t, holder)
	for _, then := range []string{"ready", ""} {
		for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGTERM} {
			if err := holder.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(50 * time.Millisecond) // the second may come on another thread
		_, _ = in.Write([]byte("\n"))
		for _, want := range []string{"took 15", "left 1", "released true", then} {
			if want == "" {
				break
			}
			if got := line(t, said); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	}
	if err := holder.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, ok := <-said // it has ended
	if status, _ := holder.Process.Wait(); ok || status.Sys().(syscall.WaitStatus).Signal() != unix.SIGTERM {
		t.Errorf("after Release SIGTERM did: %v", status)
	}
}

// start starts a process, waits until it is ready, and returns its lines.
func start(t *testing.T, cmd *exec.Cmd) <-chan string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := make(chan string)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- strings.TrimSpace(s.Text())
		}
		close(lines)
	}()
	if got := line(t, lines); got != "ready" {
		t.Fatalf("%s said %q", cmd.Path, got)
	}
	return lines
}

func line(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case s := <-lines:
		return s
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}
