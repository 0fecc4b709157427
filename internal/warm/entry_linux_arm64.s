#include "textflag.h"

#define SYS_sched_setaffinity 122
#define SYS_sched_getaffinity 123
#define SYS_prctl 167
#define SYS_getcpu 168
#define SYS_mmap 222
#define SYS_madvise 233
#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define LARGE_SLACK 2000000 // nanoseconds
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define CPUS 1024 // size of a set of CPUs, bytes
#define CHUNK (4<<20) // what the Go runtime takes for its heap at a time
#define HEAP (512<<10) // what a command uses of the first one, to a few pages
#define PAGE 4096
#ifndef SLOW_FAULT // tests define it
#define SLOW_FAULT 4 // µs
#endif

// POPULATE maps the pages from one symbol to another. An error leaves them to be faulted in as usual (so do kernels
// with larger pages, which fault less).
#define POPULATE(from, to, advice) \
	MOVD	$from(SB), R0 \
	MOVD	$to+(PAGE-1)(SB), R1 \
	AND	$~(PAGE-1), R0 \
	AND	$~(PAGE-1), R1 \
	SUB	R0, R1 \
	MOVD	$advice, R2 \
	MOVD	$SYS_madvise, R8 \
	SVC

// entry is where the process begins when it is linked with -E. It prepares what package warm says, and goes on to where
// the process would have begun. The kernel left argc, argv, 0, envp, 0, auxv on the stack: all that stands before the
// second 0 moves down by two words (the stack has to stay aligned), and the gap is filled.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	MOVD	·sampling(SB), R0
	MOVD	ZR, (R0)

	MOVD	$PR_GET_TIMERSLACK, R0
	MOVD	$SYS_prctl, R8
	SVC
	MOVD	R0, ·slack(SB)
	MOVD	$PR_SET_TIMERSLACK, R0
	MOVD	$LARGE_SLACK, R1
	MOVD	$SYS_prctl, R8
	SVC

	MOVD	ZR, R0
	MOVD	$CPUS, R1
	MOVD	$·cpus(SB), R2
	MOVD	$SYS_sched_getaffinity, R8
	SVC
	CMP	$0, R0
	BLE	anywhere
	MOVD	R0, R9 // what the kernel's sets need
	MOVD	$·one(SB), R10
	MOVD	R10, R0
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	$SYS_getcpu, R8
	SVC
	MOVWU	(R10), R3
	MOVW	ZR, (R10)
	LSR	$6, R3, R4 // the word of this CPU, and the bit in it
	MOVD	$1, R5
	LSL	R3, R5, R5
	MOVD	R5, (R10)(R4<<3)
	MOVD	ZR, R0
	MOVD	R9, R1
	MOVD	R10, R2
	MOVD	$SYS_sched_setaffinity, R8
	SVC
	CBNZ	R0, anywhere
	MOVD	R9, ·cpusSize(SB)
anywhere:

	MOVD	$·untouched+PAGE(SB), R0
	ISB	$15
	MRS	CNTVCT_EL0, R1
	MOVBU	(R0), R2
	MOVB	R2, (R0)
	ISB	$15
	MRS	CNTVCT_EL0, R3
	MRS	CNTFRQ_EL0, R2 // Hz
	SUB	R1, R3
	MOVD	$1000000, R1
	MUL	R1, R3
	MOVD	$SLOW_FAULT, R1
	MUL	R1, R2
	CMP	R2, R3
	BLO	unmapped
	POPULATE(runtime·text, _rt0_arm64_linux, POPULATE_READ)
	POPULATE(runtime·noptrdata, runtime·ebss, POPULATE_WRITE)
	MOVD	$·mmap(SB), R1
	MOVD	R1, _cgo_mmap(SB)
unmapped:

	MOVD	0(RSP), R1
	ADD	$16, RSP, R2
	ADD	R1<<3, R2, R2 // envp
end:
	MOVD.P	8(R2), R3
	CBNZ	R3, end
	SUB	$8, R2 // the second 0
	MOVD	RSP, R4
	SUB	$16, RSP
	MOVD	RSP, R5
move:
	MOVD.P	8(R4), R3
	MOVD.P	R3, 8(R5)
	CMP	R2, R4
	BNE	move
	MOVD	·setting(SB), R3
	MOVD	R3, -16(R2)
	MOVD	R3, -8(R2)
	B	_rt0_arm64_linux(SB)

// mmap stands in for mmap(2) until the heap is there, of which it maps the beginning. The Go runtime calls it by a pointer
// that sanitizers are made for, with the arguments of C: the result, or the error, is in R0.
TEXT ·mmap(SB), NOSPLIT|NOFRAME, $0
	MOVD	R2, R9 // 0 is PROT_NONE
	MOVD	$SYS_mmap, R8
	SVC
	CMN	$4095, R0
	BCS	failed
	MOVD	$CHUNK, R10
	CMP	R10, R1
	BNE	done
	CBZW	R9, done
	MOVD	ZR, _cgo_mmap(SB)
	MOVD	R0, R9
	MOVD	$HEAP, R1
	MOVD	$POPULATE_WRITE, R2
	MOVD	$SYS_madvise, R8
	SVC
	MOVD	R9, R0
done:
	RET
failed:
	NEG	R0, R0
	RET

// restoreSlack is described in warm.go.
TEXT ·restoreSlack(SB), NOSPLIT, $0-0
	MOVD	·slack(SB), R1
	CBZ	R1, done
	MOVD	$PR_SET_TIMERSLACK, R0
	MOVD	$SYS_prctl, R8
	SVC
done:
	RET

// FreeThread is described in warm.go.
TEXT ·FreeThread(SB), NOSPLIT, $0-8
	MOVD	·cpusSize(SB), R1
	CBZ	R1, done
	MOVD	tid+0(FP), R0
	MOVD	$·cpus(SB), R2
	MOVD	$SYS_sched_setaffinity, R8
	SVC
done:
	RET
