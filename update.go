package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// maxResources bounds what is read for --resources; real documents have a few hundred bytes.
const maxResources = 1 << 20

func updateCommand(g *globals) *cli.Command {
	r := &specs.LinuxResources{}
	var file, l3Cache, memBandwidth string
	return &cli.Command{
		Name: "update", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary: "change the resource limits of a container",
		Description: `Changes the limits that are named, and leaves the others alone. With --resources they come from a JSON document, the
linux.resources object of config.json, and the single options are ignored:

    {"memory": {"limit": 0, "reservation": 0, "swap": 0},
     "cpu": {"shares": 0, "quota": 0, "period": 0, "burst": 0, "idle": 0, "cpus": "", "mems": ""},
     "pids": {"limit": 0}, "blockIO": {"weight": 0}, "unified": {}}

In it, too, a zero leaves a limit alone, but for pids.limit of a container with an ociVersion from 1.3.0 on, where it is one.`,
		Example: name + " update --memory 512m --pids-limit 100 web1\n" + name + " update -r limits.json web1",
		Flags: append(limitFlags(r),
			cli.Flag{Name: "resources", Short: "r", Arg: "FILE", Help: "read the limits from this file, - for standard input",
				Var: &file},
			cli.Flag{Name: "l3-cache-schema", Arg: "SCHEMA", Help: "Intel RDT/CAT schema of the L3 cache", Var: &l3Cache},
			cli.Flag{Name: "mem-bw-schema", Arg: "SCHEMA", Help: "Intel RDT/MBA schema of the memory bandwidth",
				Var: &memBandwidth},
		),
		Run: withID(func(id string) error {
			if file != "" {
				var err error
				if r, err = readResources(file); err != nil {
					return err
				}
			}
			if err := g.runtime().Update(id, r); err != nil || (l3Cache == "" && memBandwidth == "") {
				return err
			}
			return g.runtime().UpdateIntelRdt(id, l3Cache, memBandwidth)
		}),
	}
}

func readResources(file string) (*specs.LinuxResources, error) {
	in := os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxResources+1))
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	if len(raw) > maxResources {
		return nil, errors.New("read resources: more than 1 MiB")
	}
	r, err := spec.DecodeResources(raw)
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	return r, nil
}

// limitFlags are the options for single limits; each makes the part of r that it needs.
func limitFlags(r *specs.LinuxResources) []cli.Flag {
	memory := func(set func(*specs.LinuxMemory, *int64)) any {
		return func(s string) error {
			if r.Memory == nil {
				r.Memory = &specs.LinuxMemory{}
			}
			n, err := cli.ParseBytes(s)
			set(r.Memory, &n)
			return err
		}
	}
	signed := func(set func(*specs.LinuxCPU, *int64)) any { return number(cpu(r), strconv.ParseInt, set) }
	unsigned := func(set func(*specs.LinuxCPU, *uint64)) any { return number(cpu(r), strconv.ParseUint, set) }
	const usec = "MICROSECONDS"
	return []cli.Flag{
		{Name: "blkio-weight", Arg: "WEIGHT", Help: "share of block I/O, 10 to 1000", Var: blockIOWeight(r)},
		{Name: "cpu-period", Arg: usec, Help: "period of the CPU quota; 0 is the system's default",
			Var: unsigned(func(c *specs.LinuxCPU, n *uint64) { c.Period = n })},
		{Name: "cpu-quota", Arg: usec, Help: "CPU time within a period; -1 is unlimited",
			Var: signed(func(c *specs.LinuxCPU, n *int64) { c.Quota = n })},
		{Name: "cpu-burst", Arg: usec, Help: "unused CPU time that may be saved up and used beyond the quota",
			Var: unsigned(func(c *specs.LinuxCPU, n *uint64) { c.Burst = n })},
		{Name: "cpu-share", Arg: "SHARES", Help: "CPU weight relative to other containers",
			Var: unsigned(func(c *specs.LinuxCPU, n *uint64) { c.Shares = n })},
		{Name: "cpu-rt-period", Arg: usec, Help: "period of the realtime quota; 0 is the system's default",
			Var: unsigned(func(c *specs.LinuxCPU, n *uint64) { c.RealtimePeriod = n })},
		{Name: "cpu-rt-runtime", Arg: usec, Help: "realtime CPU time within a period",
			Var: signed(func(c *specs.LinuxCPU, n *int64) { c.RealtimeRuntime = n })},
		{Name: "cpu-idle", Arg: "0|1", Help: "1 schedules the container only when nothing else wants the CPU",
			Var: signed(func(c *specs.LinuxCPU, n *int64) { c.Idle = n })},
		{Name: "cpuset-cpus", Arg: "LIST", Help: "CPUs to use, as 0-2,5", Var: func(s string) error { cpu(r)().Cpus = s; return nil }},
		{Name: "cpuset-mems", Arg: "LIST", Help: "memory nodes to use", Var: func(s string) error { cpu(r)().Mems = s; return nil }},
		{Name: "kernel-memory", Arg: "BYTES", Hidden: true,
			Var: memory(func(m *specs.LinuxMemory, n *int64) { m.Kernel = n })}, //nolint:staticcheck // so that it is refused by name
		{Name: "kernel-memory-tcp", Arg: "BYTES", Hidden: true,
			Var: memory(func(m *specs.LinuxMemory, n *int64) { m.KernelTCP = n })},
		{Name: "memory", Arg: "BYTES", Help: "memory limit, a unit (k, m, g) allowed; -1 is unlimited",
			Var: memory(func(m *specs.LinuxMemory, n *int64) { m.Limit = n })},
		{Name: "memory-reservation", Arg: "BYTES", Help: "memory that is left alone while others can give some",
			Var: memory(func(m *specs.LinuxMemory, n *int64) { m.Reservation = n })},
		{Name: "memory-swap", Arg: "BYTES", Help: "memory and swap together; -1 is unlimited",
			Var: memory(func(m *specs.LinuxMemory, n *int64) { m.Swap = n })},
		{Name: "pids-limit", Arg: "N", Help: "number of processes and threads; -1 is unlimited", Var: pidsLimit(r)},
	}
}

func cpu(r *specs.LinuxResources) func() *specs.LinuxCPU {
	return func() *specs.LinuxCPU {
		if r.CPU == nil {
			r.CPU = &specs.LinuxCPU{}
		}
		return r.CPU
	}
}

// number makes the setter of a flag with a decimal number in part.
func number[P any, N int64 | uint64](part func() *P, parse func(string, int, int) (N, error), set func(*P, *N)) func(string) error {
	return func(s string) error {
		n, err := parse(s, 10, 64)
		if err != nil {
			return errors.New("not a number in range")
		}
		set(part(), &n)
		return nil
	}
}

func blockIOWeight(r *specs.LinuxResources) func(string) error {
	return func(s string) error {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return errors.New("not a number in range")
		}
		weight := uint16(n)
		r.BlockIO = &specs.LinuxBlockIO{Weight: &weight}
		return nil
	}
}

func pidsLimit(r *specs.LinuxResources) func(string) error {
	return func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return errors.New("not a number in range")
		}
		if n != 0 { // of the option, as of the others, a zero changes nothing
			r.Pids = &specs.LinuxPids{Limit: &n}
		}
		return nil
	}
}
