#include "textflag.h"

#define SYS_rt_sigreturn 15
#define SYS_pidfd_send_signal 424

// handler(signal DI): pidfd_send_signal(target, signal, NULL, 0). It runs on
// the signal stack of whichever thread, without a goroutine.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	DI, SI
	MOVL	·target(SB), DI
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
