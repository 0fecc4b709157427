// Command conformance runs the validation programs of opencontainers/runtime-tools against a runtime, and against runc
// for comparison, and prints a table. `make conformance` runs it as root, in this directory.
//
// It exits with 1 when the runtime fails a program that known.md does not explain, or passes one that it explains: the
// list must stay true. It is a module of its own, so that the suite's old requirements stay out of the project's.
//
// It must never judge by anything but the programs' own output, and it must leave no container. It imports the
// standard library only.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the command line's.
type options struct {
	runtime string
	beside  string
	only    *regexp.Regexp
	timeout time.Duration
	known   string
	out     string
	logs    string
	v2      bool
}

// inV2 marks the process that runs in the mount namespace with cgroup v2.
const inV2 = "GSPAWN_CONFORMANCE_V2"

func main() {
	missed, err := conformance()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if missed > 0 {
		os.Exit(1)
	}
}

func readOptions() (o options, err error) {
	flag.StringVar(&o.runtime, "runtime", envOr("RUNTIME", "../../bin/gspawn-oci"), "the runtime (RUNTIME)")
	flag.StringVar(&o.beside, "beside", envOr("RUNC", "runc"), "the runtime to compare with (RUNC); empty for none")
	only := flag.String("only", "", "run only the programs whose name matches this regular expression")
	flag.DurationVar(&o.timeout, "timeout", time.Minute, "most that one program may take")
	flag.StringVar(&o.known, "known", "known.md", "explained failures")
	flag.StringVar(&o.out, "out", "", "write the table to this file too")
	flag.StringVar(&o.logs, "logs", "", "keep each program's output in this directory")
	flag.BoolVar(&o.v2, "v2", false, "run in a mount namespace with cgroup v2 alone on /sys/fs/cgroup")
	flag.Parse()
	if os.Geteuid() != 0 {
		return o, errors.New("needs root: try sudo make conformance")
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, err
	}
	if o.runtime, err = lookUp(o.runtime); err != nil {
		return o, fmt.Errorf("no runtime (make build): %w", err)
	}
	if o.beside != "" {
		if o.beside, err = lookUp(o.beside); err != nil {
			fmt.Println("without a comparison:", err)
			o.beside, err = "", nil
		}
	}
	return o, err
}

func lookUp(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil && !strings.Contains(name, "/") {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// conformance returns how many programs ended otherwise than known.md says.
func conformance() (missed int, err error) {
	o, err := readOptions()
	if err != nil {
		return 0, err
	}
	if o.v2 && os.Getenv(inV2) == "" {
		return 0, enterV2()
	}
	work, err := os.MkdirTemp("", "gspawn-conf-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { // users of a user namespace pass through
		return 0, err
	}
	programs, err := buildSuite(work, o.only)
	if err != nil {
		return 0, err
	}
	known, err := readKnown(o.known, layout())
	if err != nil {
		return 0, err
	}
	ours, err := newSubject(work, o.runtime)
	if err != nil {
		return 0, err
	}
	subjects := []*subject{ours}
	if o.beside != "" && o.beside != o.runtime {
		theirs, err := newSubject(work, o.beside)
		if err != nil {
			return 0, err
		}
		subjects = append(subjects, theirs)
	}
	runAll(work, programs, subjects, o)
	// killsig sends its signal as soon as the container runs, which its shell may not yet have set the trap for.
	if again := unexpected(programs, ours, known); len(again) > 0 {
		fmt.Println("a second time:", strings.Join(again, " "))
		runAll(work, again, []*subject{ours}, o)
	}
	table, missed := report(programs, subjects, known, o.only.String() == "")
	fmt.Print(table)
	if o.out != "" {
		err = os.WriteFile(o.out, []byte(table), 0o644)
	}
	return missed, err
}

// unexpected are the programs that ended otherwise than known.md says.
func unexpected(programs []string, s *subject, known map[string]bool) (list []string) {
	for _, p := range programs {
		if _, bad := judge(p, s.results[p], known); bad {
			list = append(list, p)
		}
	}
	return list
}

// layout is "v2" with cgroup v2 on /sys/fs/cgroup, else "v1" (statfs(2), CGROUP2_SUPER_MAGIC).
func layout() string {
	var fs syscall.Statfs_t
	if syscall.Statfs("/sys/fs/cgroup", &fs) == nil && fs.Type == 0x63677270 {
		return "v2"
	}
	return "v1"
}

// enterV2 runs this command again in a mount namespace, and ends with its exit code.
func enterV2() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	script := `set -e; umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$@"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh", self}, os.Args[1:]...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Env = append(os.Environ(), inV2+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(exit.ExitCode())
	}
	return err
}

// runAll runs every program against every subject, two at a time; those about cgroups use the same paths and go one by
// one.
func runAll(work string, programs []string, subjects []*subject, o options) {
	var wait sync.WaitGroup
	var cgroups sync.Mutex
	slots := make(chan struct{}, 2)
	for _, p := range programs {
		for _, s := range subjects {
			slots <- struct{}{}
			wait.Go(func() {
				defer func() { <-slots }()
				if strings.Contains(p, "cgroups") || strings.Contains(p, "resources") {
					cgroups.Lock()
					defer cgroups.Unlock()
				}
				r := s.run(work, p, o.timeout)
				if o.logs != "" {
					keep(o.logs, s.name, p, r)
				}
				fmt.Printf("%-36s %-12s %s\n", p, s.name, r.verdict())
			})
		}
	}
	wait.Wait()
	for _, s := range subjects {
		s.clear()
	}
}

func keep(dir, subject, program string, r result) {
	dir = filepath.Join(dir, subject)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, program+".tap"), []byte(r.stdout+"\n--- stderr ---\n"+r.stderr), 0o644)
	}
	if err != nil {
		fmt.Println("keep output:", err)
	}
}
