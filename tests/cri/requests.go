package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func execSync(ctx context.Context, c client, args []string) (int, error) {
	r, err := c.ExecSync(ctx, &runtime.ExecSyncRequest{ContainerId: args[0], Cmd: args[1:]})
	if err != nil {
		return 0, err
	}
	_, errOut := os.Stdout.Write(r.Stdout)
	_, errErr := os.Stderr.Write(r.Stderr)
	return int(r.ExitCode), errors.Join(errOut, errErr)
}

func stop(ctx context.Context, c client, args []string) (int, error) {
	seconds, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("want a number of seconds: %w", err)
	}
	_, err = c.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: args[0], Timeout: seconds})
	return 0, err
}

func showStatus(ctx context.Context, c client, args []string) (int, error) {
	r, err := c.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: args[0]})
	if err != nil {
		return 0, err
	}
	s := r.Status
	fmt.Println(s.State, s.ExitCode, s.Reason, s.Message)
	return 0, nil
}

// stats leaves out what the runtime does not tell.
func stats(ctx context.Context, c client, args []string) (int, error) {
	r, err := c.ContainerStats(ctx, &runtime.ContainerStatsRequest{ContainerId: args[0]})
	if err != nil {
		return 0, err
	}
	if v := r.Stats.GetMemory().GetWorkingSetBytes(); v != nil {
		fmt.Println("memory", v.Value)
	}
	if v := r.Stats.GetCpu().GetUsageCoreNanoSeconds(); v != nil {
		fmt.Println("cpu", v.Value)
	}
	return 0, nil
}

func update(ctx context.Context, c client, args []string) (int, error) {
	f := flag.NewFlagSet("update", flag.ContinueOnError)
	memory := f.Int64("memory", 0, "limit of memory in bytes")
	if err := f.Parse(args); err != nil {
		return 0, err
	}
	if f.NArg() != 1 || *memory <= 0 {
		return 0, errors.New("want --memory BYTES CONTAINER")
	}
	_, err := c.UpdateContainerResources(ctx, &runtime.UpdateContainerResourcesRequest{
		ContainerId: f.Arg(0), Linux: &runtime.LinuxContainerResources{MemoryLimitInBytes: *memory},
	})
	return 0, err
}

// remove ends what still runs in the pod, by the stop signal of each container and then SIGKILL.
func remove(ctx context.Context, c client, args []string) (int, error) {
	if _, err := c.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: args[0]}); err != nil {
		return 0, fmt.Errorf("stop the pod: %w", plain(err))
	}
	if _, err := c.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: args[0]}); err != nil {
		return 0, fmt.Errorf("remove the pod: %w", plain(err))
	}
	return 0, nil
}

func image(ctx context.Context, c client, args []string) (int, error) {
	r, err := c.images.ImageStatus(ctx, &runtime.ImageStatusRequest{Image: &runtime.ImageSpec{Image: args[0]}})
	if err != nil {
		return 0, err
	}
	if r.Image == nil {
		return 0, fmt.Errorf("no image %s", args[0])
	}
	return 0, nil
}
