# gspawn-oci. `make help` lists what there is; each target is a line or two, what it does lies in Go or in tests/.

PREFIX  ?= /usr/local
DESTDIR ?=
GO      ?= go
VERSION ?= 0.1.0
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
RESULTS ?= results

BIN     := bin/gspawn-oci
HELPER  := bin/gspawn-oci-seccomp
IMPORT  := bin/gspawn-oci-import
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
OVERLAY := bin/_runtime# the underscore keeps ./... out of it
HEAP    := norandomizedheapbase64# so that it is used from its beginning on
FLAGS   := -trimpath -buildvcs=false
TOOL    := $(GO) tool -modfile=$(CURDIR)/tools/go.mod
MODULES := tests/conformance tests/cri # of their own

# sudo leaves the place where Go's own archive unpacks out of PATH.
export PATH := $(PATH):/usr/local/go/bin

export RUNTIME ?= $(CURDIR)/$(BIN)

# What a target needs is installed first: the build needs some of it too.
ready = tests/deps.sh build $(1) && $(MAKE) build

.DEFAULT_GOAL := build
.PHONY: build test unit lint bench bench-import conformance test-engines test-boot test-vm test-vm-trees vm-shell demo install service man completions fuzz clean order help \
	deps reproducible alone FORCE

build: $(BIN) $(HELPER) $(IMPORT) ## build bin/gspawn-oci and its two helpers

# The go command knows what is up to date. The assembler of the device filter is the part of it that is used, see
# libcontainer/cgroup/thin; in go.mod the replacement would keep the module from being installed by its path. The Go runtime
# and the order of the functions are for programs that live some milliseconds, see internal/shortlived. Two builds at once
# would write the same files.
$(BIN): FORCE
	@mkdir -p bin && flock bin $(MAKE) --no-print-directory alone

alone:
	@cp go.sum bin/thin.sum && cp go.mod bin/thin.mod
	@$(GO) mod edit -replace github.com/cilium/ebpf=./libcontainer/cgroup/thin/ebpf bin/thin.mod
	@GOOS=$$($(GO) env GOHOSTOS) GOARCH=$$($(GO) env GOHOSTARCH) $(GO) run ./internal/shortlived "$$($(GO) env GOROOT)" $(OVERLAY)
	GOEXPERIMENT=$(HEAP) CGO_ENABLED=0 $(GO) build $(FLAGS) -modfile=bin/thin.mod -overlay $(OVERLAY)/overlay.json \
		-toolexec "'$(CURDIR)/$(OVERLAY)/tool'" -ldflags '$(LDFLAGS)' -o $(BIN) .

$(HELPER): FORCE
	CGO_ENABLED=1 $(GO) build $(FLAGS) -tags netgo,osusergo -ldflags '$(LDFLAGS) -linkmode external -extldflags "-static"' \
		-o $@ ./cmd/gspawn-oci-seccomp

$(IMPORT): FORCE
	CGO_ENABLED=0 $(GO) build $(FLAGS) -ldflags '$(LDFLAGS)' -o $@ ./bundle/gspawn-oci-import

test: deps ## install what is missing, build, and run all tests; as root the ones with real containers too
	$(MAKE) build
	$(GO) run ./tests/tally -- -timeout $(or $(TEST_TIMEOUT),20m) ./...

unit: ## run the tests that need no privilege
	tests/deps.sh build
	$(GO) run ./tests/tally -- . ./internal/... ./libcontainer/... ./bundle/... ./tests/arch/... ./tests/cli/... ./tests/tally/...

lint: ## go vet, golangci-lint, govulncheck
	tests/deps.sh build
	for dir in . $(MODULES); do (cd $$dir && $(GO) vet ./... && $(TOOL) golangci-lint run ./...) || exit; done
	tests/lint/govulncheck.sh

bench: ## measure beside crun, runc and a bare C program; table and plot in results/
	$(call ready,bench)
	tests/bench/run.sh $(RESULTS)

bench-import: ## measure import beside tar, umoci and podman; table in results/import.md
	$(call ready,bench-import)
	mkdir -p $(RESULTS) && tests/import/bench | tee $(RESULTS)/import.md

conformance: ## run the validation programs of opencontainers/runtime-tools, runc's result beside ours
	$(call ready,conformance)
	tests/conformance/run.sh $(RESULTS)

test-engines: ## run podman and containerd with this runtime
	$(call ready,engines)
	tests/engines/run.sh

test-boot: ## boot whole systems with the runtime, podman and containerd; table in results/boot.md
	$(call ready,boot)
	tests/boot/run.sh $(RESULTS)

test-vm: ## boot a Debian in qemu and test there: cgroup v2, systemd, machined
	$(call ready,vm)
	tests/vm/run.sh

test-vm-trees: ## there, every tree of test-boot by every way (an hour)
	$(call ready,vm)
	BOOT_TREES=bookworm,trixie,busybox,openrc,runit BOOT_SKIP= JOB_TIMEOUT=3600 VM_TIMEOUT=7200 RESULTS=$(RESULTS)/trees tests/vm/run.sh 20-boot 25-cri

vm-shell: ## a shell in the machine of test-vm; leave it to switch it off
	$(call ready,vm)
	tests/vm/run.sh shell

demo: ## install what is missing, build, make a real Debian tree and run it
	$(call ready,demo)
	tests/demo/run.sh

fuzz: ## run each fuzz target for FUZZTIME (20s)
	tests/lint/fuzz.sh $(or $(FUZZTIME),20s)

order: ## renew the list of the functions that commands call, which are laid together (as root, amd64)
	$(call ready,bench)
	$(MAKE) bin/traced BIN=bin/traced LDFLAGS=
	$(GO) run ./tests/order bin/traced internal/shortlived/order.txt

reproducible: ## build twice and compare
	$(MAKE) $(BIN) && cp $(BIN) bin/first
	cache=$$(mktemp -d) && trap 'rm -rf "$$cache"' EXIT && GOCACHE=$$cache $(MAKE) $(BIN) && cmp $(BIN) bin/first && rm bin/first

man: $(BIN) ## write the manual pages to bin/man
	rm -rf bin/man && mkdir -p bin/man && $(BIN) man bin/man

completions: $(BIN) ## write the shell completions to bin/completions
	mkdir -p bin/completions && for s in bash zsh fish; do $(BIN) completion $$s >bin/completions/$$s || exit 1; done

service: ## print the unit that boots a bundle, for the program in PREFIX
	@sed 's|/usr/local/bin/|$(PREFIX)/bin/|g' contrib/gspawn-oci@.service

install: build man completions ## install to PREFIX (/usr/local); DESTDIR is honoured
	install -Dm755 $(BIN) $(DESTDIR)$(PREFIX)/bin/gspawn-oci
	install -Dm755 $(HELPER) $(DESTDIR)$(PREFIX)/libexec/gspawn-oci/gspawn-oci-seccomp
	install -Dm755 $(IMPORT) $(DESTDIR)$(PREFIX)/libexec/gspawn-oci/gspawn-oci-import
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man8 bin/man/*.8
	$(MAKE) -s --no-print-directory service | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/gspawn-oci@.service
	install -Dm644 bin/completions/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gspawn-oci
	install -Dm644 bin/completions/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_gspawn-oci
	install -Dm644 bin/completions/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/gspawn-oci.fish

# Installs only what is missing, so that a machine that has all of it needs neither root nor a network.
deps: ## install what building and testing needs (Debian)
	tests/deps.sh build test

clean: ## remove what was built
	rm -rf bin

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
