#include "textflag.h"

// entry is where the process begins when it is linked with -E. It prepares what package warm says, and goes on to where
// the process would have begun. The kernel left argc, argv, 0, envp, 0, auxv on the stack: all that stands before the
// second 0 moves down by two words (the stack has to stay aligned), and the gap is filled.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
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
