#include "funcdata.h"
#include "textflag.h"

#define SYS_madvise 233

TEXT ·madvise(SB), NOSPLIT, $0-20
	MOVD	start+0(FP), R0
	MOVD	length+8(FP), R1
	MOVWU	advice+16(FP), R2
	MOVD	$SYS_madvise, R8
	SVC
	RET

// grow has a frame that needs the next larger stack, of 32 kB. A stack is made smaller only by a collection.
TEXT ·grow(SB), 0, $24576-0
	NO_LOCAL_POINTERS
	RET
