#include "textflag.h"

#define SYS_madvise 28
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define PAGE 4096

// POPULATE maps the pages from one symbol to another. An error leaves them to be faulted in as usual (so do kernels
// with other pages).
#define POPULATE(from, to, advice) \
	LEAQ	from(SB), DI \
	LEAQ	to(SB), SI \
	ANDQ	$~(PAGE-1), DI \
	SUBQ	DI, SI \
	ADDQ	$(PAGE-1), SI \
	ANDQ	$~(PAGE-1), SI \
	MOVL	$advice, DX \
	MOVL	$SYS_madvise, AX \
	SYSCALL

// entry is where the process begins when it is linked with -E. It prepares what package warm says, and goes on to where
// the process would have begun. The kernel left argc, argv, 0, envp, 0, auxv on the stack: all that stands before the
// second 0 moves down by two words (one would do here, but not where the stack has to be aligned), and the gap is filled.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	POPULATE(runtime·text, runtime·etext, POPULATE_READ)
	POPULATE(runtime·rodata, runtime·epclntab, POPULATE_READ)
	POPULATE(runtime·noptrdata, runtime·ebss, POPULATE_WRITE)
	MOVQ	·sampling(SB), AX
	MOVQ	$0, (AX)

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
