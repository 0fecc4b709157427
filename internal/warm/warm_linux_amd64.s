#include "funcdata.h"
#include "textflag.h"

#define SYS_madvise 28

TEXT ·madvise(SB), NOSPLIT, $0-20
	MOVQ	start+0(FP), DI
	MOVQ	length+8(FP), SI
	MOVL	advice+16(FP), DX
	MOVQ	$SYS_madvise, AX
	SYSCALL
	RET

// grow has a frame that needs the next larger stack, of 32 kB. A stack is made smaller only by a collection.
TEXT ·grow(SB), 0, $24576-0
	NO_LOCAL_POINTERS
	RET
