// Stands in for github.com/cilium/ebpf where start-up time counts; see asm/asm.go.
module github.com/cilium/ebpf

go 1.26.0
