#include "textflag.h"

#define SYS_mmap 9
#define SYS_madvise 28
#define SYS_prctl 157
#define SYS_sched_setaffinity 203
#define SYS_sched_getaffinity 204
#define SYS_getcpu 309
#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define LARGE_SLACK 2000000 // nanoseconds
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define CPUS 1024 // size of a set of CPUs, bytes
#define PROT_NONE 0
#define CHUNK (4<<20) // what the Go runtime takes for its heap at a time
#define HEAP (512<<10) // what a command uses of the first one, to a few pages
#define PAGE 4096
#ifndef SLOW_FAULT // tests define it
#define SLOW_FAULT 10000 // cycles of the time stamp counter, 3 to 5 µs
#endif

#define CYCLES(into) \
	RDTSC \
	SHLQ	$32, DX \
	ORQ	DX, AX \
	MOVQ	AX, into

// POPULATE maps the pages from one symbol to another. An error leaves them to be faulted in as usual.
#define POPULATE(from, to, advice) \
	LEAQ	from(SB), DI \
	LEAQ	to+(PAGE-1)(SB), SI \
	ANDQ	$~(PAGE-1), DI \
	ANDQ	$~(PAGE-1), SI \
	SUBQ	DI, SI \
	MOVL	$advice, DX \
	MOVL	$SYS_madvise, AX \
	SYSCALL

// entry is where the process begins when it is linked with -E. It prepares what package warm says, and goes on to where
// the process would have begun. The kernel left argc, argv, 0, envp, 0, auxv on the stack: all that stands before the
// second 0 moves down by two words (one would do here, but not where the stack has to be aligned), and the gap is filled.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	MOVQ	·sampling(SB), AX
	MOVQ	$0, (AX)

	MOVQ	$PR_GET_TIMERSLACK, DI
	MOVQ	$SYS_prctl, AX
	SYSCALL
	MOVQ	AX, ·slack(SB)
	MOVQ	$PR_SET_TIMERSLACK, DI
	MOVQ	$LARGE_SLACK, SI
	MOVQ	$SYS_prctl, AX
	SYSCALL

	MOVQ	$0, DI
	MOVQ	$CPUS, SI
	LEAQ	·cpus(SB), DX
	MOVQ	$SYS_sched_getaffinity, AX
	SYSCALL
	CMPQ	AX, $0
	JLE	anywhere
	MOVQ	AX, R12 // what the kernel's sets need
	LEAQ	·one(SB), DI
	MOVQ	$0, SI
	MOVQ	$0, DX
	MOVQ	$SYS_getcpu, AX
	SYSCALL
	MOVL	·one(SB), CX
	LEAQ	·one(SB), DX
	MOVL	$0, (DX)
	BTSQ	CX, (DX)
	MOVQ	$0, DI
	MOVQ	R12, SI
	MOVQ	$SYS_sched_setaffinity, AX
	SYSCALL
	CMPQ	AX, $0
	JNE	anywhere
	MOVQ	R12, ·cpusSize(SB)
anywhere:

	CYCLES(R8)
	ADDB	$0, ·untouched+PAGE(SB)
	CYCLES(R9)
	SUBQ	R8, R9
	CMPQ	R9, $SLOW_FAULT
	JLO	unmapped
	POPULATE(runtime·text, _rt0_amd64_linux, POPULATE_READ)
	POPULATE(runtime·noptrdata, runtime·ebss, POPULATE_WRITE)
	LEAQ	·mmap(SB), AX
	MOVQ	AX, _cgo_mmap(SB)
unmapped:

	MOVQ	0(SP), CX
	LEAQ	16(SP)(CX*8), BX // envp
end:
	ADDQ	$8, BX
	CMPQ	-8(BX), $0
	JNE	end
	SUBQ	$8, BX // the second 0
	MOVQ	SP, SI
	LEAQ	-16(SP), DI
	MOVQ	BX, CX
	SUBQ	SP, CX
	SHRQ	$3, CX
	CLD
	REP; MOVSQ
	MOVQ	·setting(SB), AX
	MOVQ	AX, -16(BX)
	MOVQ	AX, -8(BX)
	SUBQ	$16, SP
	JMP	_rt0_amd64_linux(SB)

// mmap stands in for mmap(2) until the heap is there, of which it maps the beginning. The Go runtime calls it by a pointer
// that sanitizers are made for, with the arguments of C: the result, or the error, is in AX.
TEXT ·mmap(SB), NOSPLIT|NOFRAME, $0
	MOVQ	CX, R10
	MOVQ	$SYS_mmap, AX
	SYSCALL
	CMPQ	AX, $-4095
	JCC	failed
	CMPQ	SI, $CHUNK
	JNE	done
	CMPL	DX, $PROT_NONE
	JEQ	done
	MOVQ	$0, _cgo_mmap(SB)
	MOVQ	AX, R8
	MOVQ	AX, DI
	MOVQ	$HEAP, SI
	MOVL	$POPULATE_WRITE, DX
	MOVL	$SYS_madvise, AX
	SYSCALL
	MOVQ	R8, AX
done:
	RET
failed:
	NEGQ	AX
	RET

// restoreSlack is described in warm.go.
TEXT ·restoreSlack(SB), NOSPLIT, $0-0
	MOVQ	·slack(SB), SI
	TESTQ	SI, SI
	JEQ	done
	MOVQ	$PR_SET_TIMERSLACK, DI
	MOVQ	$SYS_prctl, AX
	SYSCALL
done:
	RET

// FreeThread is described in warm.go.
TEXT ·FreeThread(SB), NOSPLIT, $0-8
	MOVQ	·cpusSize(SB), SI
	TESTQ	SI, SI
	JEQ	done
	LEAQ	·cpus(SB), DX
	MOVQ	tid+0(FP), DI
	MOVQ	$SYS_sched_setaffinity, AX
	SYSCALL
done:
	RET
