#include "textflag.h"

#define SYS_prctl 157
#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define LARGE_SLACK 2000000 // nanoseconds

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

// Inherit is described in warm.go.
TEXT ·Inherit(SB), NOSPLIT, $0-0
	MOVQ	·slack(SB), SI
	TESTQ	SI, SI
	JEQ	done
	MOVQ	$PR_SET_TIMERSLACK, DI
	MOVQ	$SYS_prctl, AX
	SYSCALL
done:
	RET
