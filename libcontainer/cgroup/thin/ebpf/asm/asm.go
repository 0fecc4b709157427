// Package asm is as much of github.com/cilium/ebpf/asm as the device filter of
// github.com/opencontainers/cgroups uses: ten instructions, and jumps to labels.
//
// The original brings in ELF, DWARF, gzip, zstd and Go's parser, whose initialisation every
// command pays: 1.2 ms of 10 were measured. `make` builds with this module in its place
// (go.mod does not, so that the module stays installable); a test of package cgroup holds
// what both write against the same bytes. It must never grow beyond what the library needs:
// a library that needs more does not compile, and is then built with the original.
package asm

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// InstructionSize is the size of an encoded instruction in bytes (linux/bpf.h, struct bpf_insn).
const InstructionSize = 8

// Register is a register of the BPF machine.
type Register uint8

// The registers that hold results and arguments, bpf(2).
const (
	R0 Register = iota
	R1
	R2
	R3
	R4
	R5
)

// Size is the width of a memory access.
type Size uint8

// Word is 32 bits.
const Word Size = 0x00

// ALUOp is an operation on registers.
type ALUOp uint8

// The operations, as linux/bpf_common.h and linux/bpf.h number them.
const (
	And ALUOp = 0x50
	RSh ALUOp = 0x70
	Mov ALUOp = 0xb0
)

// JumpOp is a condition of a jump.
type JumpOp uint8

// JNE jumps when the operands differ.
const JNE JumpOp = 0x50

// The classes and operand kinds of an opcode (linux/bpf_common.h, linux/bpf.h).
const (
	classLoad  = 0x01
	classALU   = 0x04
	classJump  = 0x05
	classALU64 = 0x07
	modeMemory = 0x60
	fromReg    = 0x08
	opExit     = 0x90
)

// Instruction is one instruction, with the label it carries and the one it jumps to.
type Instruction struct {
	op       byte
	dst, src Register
	offset   int16
	constant int32

	symbol, reference string
}

// Instructions is a program.
type Instructions []Instruction

// LoadMem loads from memory at src+offset.
func LoadMem(dst, src Register, offset int16, size Size) Instruction {
	return Instruction{op: classLoad | modeMemory | byte(size), dst: dst, src: src, offset: offset}
}

// Imm32 is op on a register's lower 32 bits and a constant.
func (op ALUOp) Imm32(dst Register, value int32) Instruction {
	return Instruction{op: classALU | byte(op), dst: dst, constant: value}
}

// Imm is op on a whole register and a constant.
func (op ALUOp) Imm(dst Register, value int32) Instruction {
	return Instruction{op: classALU64 | byte(op), dst: dst, constant: value}
}

// Reg32 is op on the lower 32 bits of two registers.
func (op ALUOp) Reg32(dst, src Register) Instruction {
	return Instruction{op: classALU | fromReg | byte(op), dst: dst, src: src}
}

// Imm jumps to label when the condition holds for a register and a constant.
func (op JumpOp) Imm(dst Register, value int32, label string) Instruction {
	return Instruction{op: classJump | byte(op), dst: dst, constant: value, reference: label}
}

// Reg jumps to label when the condition holds for two registers.
func (op JumpOp) Reg(dst, src Register, label string) Instruction {
	return Instruction{op: classJump | fromReg | byte(op), dst: dst, src: src, reference: label}
}

// Return ends the program; R0 is its result.
func Return() Instruction {
	return Instruction{op: classJump | opExit}
}

// WithSymbol labels an instruction.
func (ins Instruction) WithSymbol(name string) Instruction {
	ins.symbol = name
	return ins
}

// Size is the length of the encoded program in bytes.
func (insns Instructions) Size() uint64 {
	return uint64(len(insns)) * InstructionSize
}

// Marshal encodes the program, labels resolved. A label that is missing, given twice or too
// far away is an error.
func (insns Instructions) Marshal(w io.Writer, bo binary.ByteOrder) error {
	out := make([]byte, len(insns)*InstructionSize)
	for i, ins := range insns {
		if ins.reference != "" {
			target, err := insns.find(ins.reference)
			if err != nil {
				return err
			}
			distance := target - i - 1
			if distance < math.MinInt16 || distance > math.MaxInt16 {
				return fmt.Errorf("jump from instruction %d to %q: is too far", i, ins.reference)
			}
			ins.offset = int16(distance)
		}
		b := out[i*InstructionSize:]
		b[0] = ins.op
		b[1] = registers(ins.dst, ins.src, bo)
		bo.PutUint16(b[2:], uint16(ins.offset))
		bo.PutUint32(b[4:], uint32(ins.constant))
	}
	_, err := w.Write(out)
	return err
}

// registers packs two fields of four bits, whose order is the machine's.
func registers(dst, src Register, bo binary.ByteOrder) byte {
	if bo.Uint16([]byte{1, 0}) == 1 {
		return byte(src<<4 | dst)
	}
	return byte(dst<<4 | src)
}

// find is a search from the start: a program has a few dozen instructions.
func (insns Instructions) find(label string) (int, error) {
	at := -1
	for i := range insns {
		if insns[i].symbol != label {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("label %q: is given twice", label)
		}
		at = i
	}
	if at < 0 {
		return 0, fmt.Errorf("label %q: does not exist", label)
	}
	return at, nil
}
