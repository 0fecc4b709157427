#include "textflag.h"

#define SYS_madvise 233
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define PAGE 4096

// POPULATE maps the pages from one symbol to another. An error leaves them to be faulted in as usual (so do kernels
// with other pages).
#define POPULATE(from, to, advice) \
	MOVD	$from(SB), R0 \
	MOVD	$to(SB), R1 \
	AND	$~(PAGE-1), R0 \
	SUB	R0, R1 \
	ADD	$(PAGE-1), R1 \
	AND	$~(PAGE-1), R1 \
	MOVD	$advice, R2 \
	MOVD	$SYS_madvise, R8 \
	SVC

// entry is where the process begins when it is linked with -E. It prepares what package warm says, and goes on to where
// the process would have begun. The kernel left argc, argv, 0, envp, 0, auxv on the stack: all that stands before the
// second 0 moves down by two words (the stack has to stay aligned), and the gap is filled.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	POPULATE(runtime·text, runtime·etext, POPULATE_READ)
	POPULATE(runtime·rodata, runtime·epclntab, POPULATE_READ)
	POPULATE(runtime·noptrdata, runtime·ebss, POPULATE_WRITE)
	MOVD	·sampling(SB), R0
	MOVD	ZR, (R0)

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
