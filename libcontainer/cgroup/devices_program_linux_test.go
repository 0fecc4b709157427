package cgroup

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// everyInstruction is what the library's device filter is made of, each kind once, with
// jumps forward over one and several instructions.
func everyInstruction() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.And.Imm32(asm.R2, 0xFFFF),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.RSh.Imm32(asm.R3, 16),
		asm.JNE.Imm(asm.R2, -2, "block-1").WithSymbol("block-0"),
		asm.Mov.Reg32(asm.R1, asm.R3),
		asm.JNE.Reg(asm.R1, asm.R5, "block-1"),
		asm.Mov.Imm32(asm.R0, 1),
		asm.Return(),
		asm.JNE.Imm(asm.R4, 0x7fffffff, "block-2").WithSymbol("block-1"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
		asm.Mov.Imm32(asm.R0, 0).WithSymbol("block-2"),
		asm.Return(),
	}
}

// TestDeviceProgramBytes holds the assembler in use against bytes that the original wrote.
// TestThinAssembler runs it with the other one.
func TestDeviceProgramBytes(t *testing.T) {
	var got strings.Builder
	for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		var buf bytes.Buffer
		if err := everyInstruction().Marshal(&buf, bo); err != nil {
			t.Fatal(err)
		}
		if n := everyInstruction().Size(); uint64(buf.Len()) != n {
			t.Errorf("%d bytes, Size says %d", buf.Len(), n)
		}
		for b := buf.Bytes(); len(b) > 0; b = b[asm.InstructionSize:] {
			got.WriteString(hex.EncodeToString(b[:asm.InstructionSize]) + "\n")
		}
	}
	golden(t, "program.json", strings.Split(strings.TrimSpace(got.String()), "\n"))
	bad := asm.Instructions{asm.JNE.Imm(asm.R1, 0, "nowhere"), asm.Return()}
	if err := bad.Marshal(&bytes.Buffer{}, binary.LittleEndian); err == nil {
		t.Error("a jump to nowhere was encoded")
	}
}

// TestThinAssembler runs the tests of device rules as `make` builds the runtime: with the
// module under thin/ in place of the original.
func TestThinAssembler(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles this package a second time")
	}
	if os.Getenv(thinEnv) != "" {
		t.Skip("is what runs the others")
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Skipf("no go command to compile with: %v", err)
	}
	dir := strings.TrimSpace(string(root))
	mod := filepath.Join(t.TempDir(), "thin.mod")
	for from, to := range map[string]string{"go.mod": mod, "go.sum": strings.TrimSuffix(mod, "mod") + "sum"} {
		data, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		if from == "go.mod" {
			data = append(data, "\nreplace github.com/cilium/ebpf => ./libcontainer/cgroup/thin/ebpf\n"...)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-modfile="+mod, "-mod=mod", "-v", "-run", "^(TestDeviceProgramBytes|TestGroupDevices|TestInUnifiedNamespace)$", "./libcontainer/cgroup")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), thinEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestDeviceProgramBytes") {
		t.Errorf("%v\n%s", err, out)
	}
}

const thinEnv = "GSPAWN_TEST_THIN"
