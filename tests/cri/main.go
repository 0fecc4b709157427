// Command cri is a client of the Kubernetes container runtime interface (CRI), for tests: it asks a containerd for pods
// of one container, as a kubelet does, without a kubelet.
//
//	cri SOCKET run [FLAGS] NAME IMAGE [ARG…]   start a pod with one container; prints the pod's id and the container's
//	cri SOCKET exec CONTAINER COMMAND [ARG…]   run a command inside; its output, and its exit code
//	cri SOCKET stop CONTAINER SECONDS          the stop signal, and SIGKILL after SECONDS
//	cri SOCKET status CONTAINER                state, exit code, reason and message
//	cri SOCKET stats CONTAINER                 what it uses, a number a line
//	cri SOCKET update --memory BYTES CONTAINER change its limit of memory
//	cri SOCKET remove POD                      stop and remove a pod with its containers
//	cri SOCKET image NAME                      fails while the runtime knows no such image
//
// `cri SOCKET run --help` lists the flags. The exit code is 125 when the runtime refuses or cannot be asked, so that it
// differs from most commands'.
//
// It must never decide what a test wants: what a kubelet sends by default is written out in run.go, the rest are flags.
// It is a module of its own, so that the project's does not require gRPC, and imports the interface and gRPC only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// refused is the exit code of a request that failed.
const refused = 125

// maxMessage is the largest answer that containerd sends, in bytes.
const maxMessage = 16 << 20

// client is a connection to the runtime.
type client struct {
	runtime.RuntimeServiceClient
	images runtime.ImageServiceClient
}

// command does a subcommand's work, and returns the exit code.
type command struct {
	usage string // its arguments
	least int    // how many there must be
	do    func(ctx context.Context, c client, args []string) (int, error)
}

var commands = map[string]command{
	"run":    {"[FLAGS] NAME IMAGE [ARG…]", 1, run},
	"exec":   {"CONTAINER COMMAND [ARG…]", 2, execSync},
	"stop":   {"CONTAINER SECONDS", 2, stop},
	"status": {"CONTAINER", 1, showStatus},
	"stats":  {"CONTAINER", 1, stats},
	"update": {"--memory BYTES CONTAINER", 1, update},
	"remove": {"POD", 1, remove},
	"image":  {"NAME", 1, image},
}

func main() {
	code, err := cri(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		code = 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "cri:", err)
		code = refused
	}
	os.Exit(code)
}

func cri(args []string) (int, error) {
	if len(args) < 2 {
		return 0, errors.New("want SOCKET and a command: run, exec, stop, status, stats, update, remove or image")
	}
	socket, name, args := args[0], args[1], args[2:]
	cmd, ok := commands[name]
	if !ok {
		return 0, fmt.Errorf("no command %s", name)
	}
	if len(args) < cmd.least {
		return 0, fmt.Errorf("want: cri SOCKET %s %s", name, cmd.usage)
	}
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return 0, fmt.Errorf("connect to %s: %w", socket, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	code, err := cmd.do(ctx, client{runtime.NewRuntimeServiceClient(conn), runtime.NewImageServiceClient(conn)}, args)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, plain(err))
	}
	return code, nil
}

// plain is the runtime's own sentence, without gRPC's code before it.
func plain(err error) error {
	if s, ok := status.FromError(err); ok {
		return errors.New(s.Message())
	}
	return err
}

// pairs is a flag KEY=VALUE that may be given several times.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("want KEY=VALUE")
	}
	p[key] = value
	return nil
}
