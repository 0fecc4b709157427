#include "textflag.h"

#define SYS_write 64
#define SYS_pidfd_send_signal 424

// handler(signal R0): pidfd_send_signal(target, signal, NULL, 0), or a bit in
// held and write(wake, &one, 8). It runs on the signal stack of whichever thread, without a goroutine,
// and returns to the kernel's own trampoline in R30.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	MOVW	R0, R1
	MOVW	·target(SB), R0
	TBZ	$31, R0, send
	SUB	$1, R1
	MOVD	$1, R2
	LSL	R1, R2, R2
	MOVD	$·held(SB), R3
again:
	LDAXR	(R3), R4
	ORR	R2, R4, R4
	STLXR	R4, (R3), R5
	CBNZ	R5, again
	MOVW	·wake(SB), R0
	TBNZ	$31, R0, done
	MOVD	$·one(SB), R1
	MOVD	$8, R2
	MOVD	$SYS_write, R8
	SVC
done:
	RET
send:
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	$SYS_pidfd_send_signal, R8
	SVC
	RET

TEXT ·handlerText(SB), NOSPLIT, $0-8
	MOVD	$handler<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·restorerText(SB), NOSPLIT, $0-8
	MOVD	ZR, ret+0(FP)
	RET
