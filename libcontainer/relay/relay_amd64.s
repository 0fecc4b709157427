#include "textflag.h"

#define SYS_write 1
#define SYS_rt_sigreturn 15
#define SYS_pidfd_send_signal 424

// handler(signal DI): pidfd_send_signal(target, signal, NULL, 0), or a bit in
// held and write(wake, &one, 8). It runs on the signal stack of whichever thread, without a goroutine.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	DI, SI
	MOVL	·target(SB), DI
	TESTL	DI, DI
	JGE	send
	LEAL	-1(SI), CX
	MOVQ	$1, AX
	SHLQ	CX, AX
	LOCK
	ORQ	AX, ·held(SB)
	MOVL	·wake(SB), DI
	TESTL	DI, DI
	JLT	done
	LEAQ	·one(SB), SI
	MOVL	$8, DX
	MOVL	$SYS_write, AX
	SYSCALL
done:
	RET
send:
	XORL	DX, DX
	XORL	R10, R10
	MOVL	$SYS_pidfd_send_signal, AX
	SYSCALL
	RET

// The kernel has pushed the address of this as the handler's return address.
TEXT restorer<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	$SYS_rt_sigreturn, AX
	SYSCALL
	INT	$3

TEXT ·handlerText(SB), NOSPLIT, $0-8
	LEAQ	handler<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·restorerText(SB), NOSPLIT, $0-8
	LEAQ	restorer<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
