// Command mkbundle writes the config.json of a booted system, as the converter does for an imported tree, for the
// comparison with systemd-nspawn:
//
//	mkbundle ROOTFS MACHINE [host|private] >config.json
//
// It must never change anything. It imports libcontainer/nspawn and its profile.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
)

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkbundle:", err)
		os.Exit(1)
	}
}

func write(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("want ROOTFS MACHINE [host|private]")
	}
	o := profile.Options{
		Boot: true, Rootfs: args[0], Machine: args[1], Network: profile.Host, Terminal: true, Arch: "amd64",
		Init: nspawn.Init{Kind: nspawn.Systemd, Path: "/usr/lib/systemd/systemd", File: "/usr/lib/systemd/systemd"},
	}
	if len(args) > 2 {
		o.Network = profile.Network(args[2])
	}
	if raw, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
		o.NrOpen, _ = strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64) // 0: not known
	}
	_, err := os.Stat("/dev/fuse")
	o.Fuse = err == nil
	_, err = os.Stat("/dev/net/tun")
	o.Tun = err == nil
	spec, err := profile.Profile(o)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "\t")
	return encoder.Encode(spec)
}
