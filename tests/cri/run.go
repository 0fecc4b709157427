package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// What a kubelet sends for a container whose procMount is Default.
var (
	maskedPaths = []string{
		"/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// wish is what the command line of run asks for.
type wish struct {
	name, image string
	args        []string

	cgroupParent string
	hostNetwork  bool
	seccomp      bool
	memory       int64
	users        string
	addCaps      string
	env          pairs
	annotations  pairs
}

func parseWish(args []string) (*wish, error) {
	w := &wish{env: pairs{}, annotations: pairs{}}
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.StringVar(&w.cgroupParent, "cgroup-parent", "", "control group of the pod")
	f.BoolVar(&w.hostNetwork, "host-network", false, "the host's network namespace; else the CNI plugins make one")
	f.BoolVar(&w.seccomp, "seccomp", false, "the runtime's default system call filter; else none")
	f.Int64Var(&w.memory, "memory", 0, "limit of memory in bytes; 0 for none")
	f.StringVar(&w.users, "user-namespace", "", "`HOSTID:SIZE` of the users and groups of a user namespace")
	f.StringVar(&w.addCaps, "cap-add", "", "capabilities besides the runtime's own, with commas, without CAP_")
	f.Var(w.env, "env", "`KEY=VALUE` of the environment; may be repeated")
	f.Var(w.annotations, "annotation", "`KEY=VALUE`, of the pod and of its container; may be repeated")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() < 2 {
		return nil, errors.New("want NAME and IMAGE after the flags")
	}
	w.name, w.image, w.args = f.Arg(0), f.Arg(1), f.Args()[2:]
	return w, nil
}

func run(ctx context.Context, c client, args []string) (int, error) {
	w, err := parseWish(args)
	if err != nil {
		return 0, err
	}
	namespaces, err := w.namespaces()
	if err != nil {
		return 0, err
	}
	sandbox := w.sandbox(namespaces)
	pod, err := c.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: sandbox})
	if err != nil {
		return 0, fmt.Errorf("start the pod: %w", plain(err))
	}
	id, err := w.start(ctx, c, &runtime.CreateContainerRequest{
		PodSandboxId: pod.PodSandboxId, SandboxConfig: sandbox, Config: w.container(namespaces),
	})
	if err != nil {
		if _, left := remove(ctx, c, []string{pod.PodSandboxId}); left != nil {
			fmt.Fprintf(os.Stderr, "cri: pod %s stays: %v\n", pod.PodSandboxId, left)
		}
		return 0, err
	}
	fmt.Println(pod.PodSandboxId)
	fmt.Println(id)
	return 0, nil
}

func (w *wish) start(ctx context.Context, c client, request *runtime.CreateContainerRequest) (string, error) {
	created, err := c.CreateContainer(ctx, request)
	if err != nil {
		return "", fmt.Errorf("create the container: %w", plain(err))
	}
	if _, err = c.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: created.ContainerId}); err != nil {
		return "", fmt.Errorf("start the container: %w", plain(err))
	}
	return created.ContainerId, nil
}

func (w *wish) namespaces() (*runtime.NamespaceOption, error) {
	n := &runtime.NamespaceOption{Pid: runtime.NamespaceMode_CONTAINER}
	if w.hostNetwork {
		n.Network = runtime.NamespaceMode_NODE
	}
	if w.users != "" {
		host, size, _ := strings.Cut(w.users, ":")
		first, err := strconv.ParseUint(host, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--user-namespace %s: want HOSTID:SIZE: %w", w.users, err)
		}
		length, err := strconv.ParseUint(size, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--user-namespace %s: want HOSTID:SIZE: %w", w.users, err)
		}
		ids := []*runtime.IDMapping{{HostId: uint32(first), Length: uint32(length)}}
		n.UsernsOptions = &runtime.UserNamespace{Mode: runtime.NamespaceMode_POD, Uids: ids, Gids: ids}
	}
	return n, nil
}

func (w *wish) profile() *runtime.SecurityProfile {
	if w.seccomp {
		return &runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_RuntimeDefault}
	}
	return &runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_Unconfined}
}

func (w *wish) sandbox(namespaces *runtime.NamespaceOption) *runtime.PodSandboxConfig {
	hostname := w.name
	if w.hostNetwork {
		hostname = "" // the host's own is kept: containerd shares the UTS namespace as well
	}
	return &runtime.PodSandboxConfig{
		Metadata:    &runtime.PodSandboxMetadata{Name: w.name, Namespace: "test", Uid: w.name},
		Hostname:    hostname,
		DnsConfig:   &runtime.DNSConfig{},
		Annotations: w.annotations,
		Linux: &runtime.LinuxPodSandboxConfig{
			CgroupParent: w.cgroupParent,
			SecurityContext: &runtime.LinuxSandboxSecurityContext{
				NamespaceOptions: namespaces,
				Seccomp:          &runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_Unconfined},
			},
		},
	}
}

// container leaves what it is to run to the image when the command line has no arguments.
func (w *wish) container(namespaces *runtime.NamespaceOption) *runtime.ContainerConfig {
	c := &runtime.ContainerConfig{
		Metadata:    &runtime.ContainerMetadata{Name: w.name},
		Image:       &runtime.ImageSpec{Image: w.image},
		Args:        w.args,
		Annotations: w.annotations,
		Linux: &runtime.LinuxContainerConfig{
			Resources: &runtime.LinuxContainerResources{MemoryLimitInBytes: w.memory},
			SecurityContext: &runtime.LinuxContainerSecurityContext{
				NamespaceOptions: namespaces,
				Capabilities:     &runtime.Capability{},
				Seccomp:          w.profile(),
				MaskedPaths:      maskedPaths,
				ReadonlyPaths:    readonlyPaths,
			},
		},
	}
	if w.addCaps != "" {
		c.Linux.SecurityContext.Capabilities.AddCapabilities = strings.Split(w.addCaps, ",")
	}
	for key, value := range w.env {
		c.Envs = append(c.Envs, &runtime.KeyValue{Key: key, Value: []byte(value)})
	}
	return c
}
