// Package notify carries sd_notify(3) messages between a booted container and
// the host's service manager, by nspawn's rules.
//
// What a container may say is decided purely (Filter); the sockets are Linux's.
// It never passes anything on but READY=1 and STATUS=, and nothing from another
// process than the container's PID 1. It imports the standard library and
// x/sys/unix; not package net, so that linking it is free.
package notify

import (
	"strconv"
	"strings"
)

// Message is what was understood of a container's datagram.
type Message struct {
	// Ready is READY=1; Status the text of STATUS=, if HasStatus.
	Ready, HasStatus bool
	Status           string
	// SignalsLevel is X_SYSTEMD_SIGNALS_LEVEL: from 2 on, PID 1 acts on
	// SIGRTMIN+3 and its like. 0 when not said.
	SignalsLevel int
}

// Parse reads a datagram of NAME=VALUE lines. All that is not wanted is left
// out: file descriptors, MAINPID=, WATCHDOG=, RELOADING=, EXIT_STATUS=.
func Parse(datagram string) Message {
	var m Message
	for rest := datagram; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "READY":
			m.Ready = m.Ready || value == "1"
		case "STATUS":
			m.HasStatus, m.Status = true, printable(value)
		case "X_SYSTEMD_SIGNALS_LEVEL":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				m.SignalsLevel = n
			}
		}
	}
	return m
}

// printable keeps control characters of a container out of the host's terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// Filter gives what of a container's message goes to the service manager, "" for
// nothing.
func (m Message) Filter() string {
	var b strings.Builder
	if m.Ready {
		b.WriteString("READY=1\n")
	}
	if m.HasStatus {
		b.WriteString("STATUS=Container running: " + m.Status + "\n")
	}
	return b.String()
}

// Started is the message for the service manager when PID 1 is about to run.
// With waitForReady, READY=1 is left to the container.
func Started(leader int, waitForReady bool) string {
	text := "STATUS=Container running.\nX_NSPAWN_LEADER_PID=" + strconv.Itoa(leader) + "\n"
	if !waitForReady {
		text = "READY=1\n" + text
	}
	return text
}

// Stopping is the message at the end; restarting is that of exit code 133.
func Stopping(restarting bool) string {
	if restarting {
		return "STOPPING=1\nSTATUS=Restarting...\n"
	}
	return "STOPPING=1\nSTATUS=Terminating...\n"
}
