//go:build boot

package boot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rowsEnv names the file of the table's rows; the test binary that runs again in another mount namespace adds to it.
const rowsEnv = "GSPAWN_BOOT_ROWS"

const header = "| tree | way | cgroups | users | up after | state | failed units | systemd-run | journal | hostnamectl | virt | stop |\n" +
	"|---|---|---|---|---|---|---|---|---|---|---|---|\n"

func TestMain(m *testing.M) {
	if os.Getenv(rowsEnv) != "" {
		os.Exit(m.Run())
	}
	rows, err := os.CreateTemp("", "gspawn-boot-rows-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	_ = os.Setenv(rowsEnv, rows.Name())
	code := m.Run()
	text, _ := os.ReadFile(rows.Name())
	_ = os.Remove(rows.Name())
	if len(text) > 0 {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		sort.Strings(lines)
		table := header + strings.Join(lines, "\n") + "\n"
		fmt.Print(table)
		if name := os.Getenv("BOOT_TABLE"); name != "" {
			if err := os.WriteFile(name, []byte(table), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

func addRow(t *testing.T, cells ...string) {
	t.Helper()
	f, err := os.OpenFile(os.Getenv(rowsEnv), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "| %s |\n", strings.Join(cells, " | "))
}

// patience stretches a time limit on machines that are slow: GSPAWN_SLOW times as long.
func patience(d time.Duration) time.Duration {
	if n, err := strconv.Atoi(os.Getenv("GSPAWN_SLOW")); err == nil && n > 1 {
		return d * time.Duration(n)
	}
	return d
}

// answer is how a command ended; code is -1 when it had to be killed.
type answer struct {
	out, err string
	code     int
}

func (a answer) String() string { return fmt.Sprintf("exit code %d\n%s%s", a.code, a.out, a.err) }

// do runs a command to its end.
func do(env []string, argv ...string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience(60*time.Second))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 2 * time.Second // a detached process may keep the pipe
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	a := answer{strings.TrimSpace(out.String()), strings.TrimSpace(errOut.String()), -1}
	if cmd.ProcessState != nil {
		a.code = cmd.ProcessState.ExitCode()
	} else if err != nil {
		a.err = err.Error()
	}
	return a
}

// within polls until the condition holds, and tells after how long it did.
func within(limit time.Duration, holds func() bool) (time.Duration, bool) {
	begin := time.Now()
	for end := begin.Add(patience(limit)); ; time.Sleep(50 * time.Millisecond) {
		if holds() {
			return time.Since(begin), true
		}
		if time.Now().After(end) {
			return time.Since(begin), false
		}
	}
}
