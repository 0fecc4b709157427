#include "textflag.h"

#define SYS_madvise 28

TEXT ·madvise(SB), NOSPLIT, $0-32
	MOVQ	start+0(FP), DI
	MOVQ	length+8(FP), SI
	MOVL	advice+16(FP), DX
	MOVL	$SYS_madvise, AX
	SYSCALL
	MOVQ	AX, errno+24(FP)
	RET
