#include "funcdata.h"
#include "textflag.h"

// grow has a frame that needs the next larger stack, of 32 kB. A stack is made smaller only by a collection.
TEXT ·grow(SB), 0, $24576-0
	NO_LOCAL_POINTERS
	RET
