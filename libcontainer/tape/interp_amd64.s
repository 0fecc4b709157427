#include "textflag.h"

// The interpreter. R12 is the current record; the layout is in record.go, the
// fixed addresses in layout.go. It needs no stack except for the report.

#define SLOT 0x101000e8     // holds the address of the first record
#define REPORTFD 0x10000000 // cell with the report descriptor
#define MAGIC 0x45504154    // reportMagic

TEXT interpreter<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	$SLOT, AX
	MOVQ	(AX), R12
loop:
	MOVBLZX	2(R12), R13
	MOVLQSX	8(R12), DI
	MOVLQSX	12(R12), SI
	MOVLQSX	16(R12), DX
	MOVLQSX	20(R12), R10
	MOVLQSX	24(R12), R8
	MOVLQSX	28(R12), R9
	TESTL	R13, R13
	JEQ	call
	BTL	$0, R13
	JCC	a1
	MOVQ	(DI), DI
a1:
	BTL	$1, R13
	JCC	a2
	MOVQ	(SI), SI
a2:
	BTL	$2, R13
	JCC	a3
	MOVQ	(DX), DX
a3:
	BTL	$3, R13
	JCC	a4
	MOVQ	(R10), R10
a4:
	BTL	$4, R13
	JCC	a5
	MOVQ	(R8), R8
a5:
	BTL	$5, R13
	JCC	call
	MOVQ	(R9), R9
call:
	MOVWLZX	(R12), AX
	CMPL	AX, $0xffff // nrMove
	JEQ	move
	SYSCALL
	CMPQ	AX, $-4095
	JCC	fail
store:
	MOVL	4(R12), R14
	TESTL	R14, R14
	JEQ	branch
	MOVQ	AX, (R14)
branch:
	MOVWQSX	32(R12), R15
	TESTQ	AX, AX
	JEQ	next
	MOVWQSX	34(R12), R15
next:
	INCQ	R15
	IMUL3Q	$48, R15, R15
	ADDQ	R15, R12
	JMP	loop
move:
	MOVQ	DI, AX
	JMP	store

fail:
	NEGL	AX
	LEAQ	36(R12), R13
	MOVL	$3, R14
expect:
	MOVWQSX	2(R13), R15
	MOVWLZX	(R13), DX
	CMPL	DX, AX
	JEQ	next
	CMPL	DX, $0xffff // anyErrno
	JEQ	next
	ADDQ	$4, R13
	DECL	R14
	JNE	expect

	// Nobody expected it: {magic, record, errno, 0}, then the end.
	MOVL	AX, R13
	MOVL	$SLOT, CX
	MOVQ	R12, AX
	SUBQ	(CX), AX
	XORL	DX, DX
	MOVL	$48, CX
	DIVL	CX
	SUBQ	$16, SP
	MOVL	$MAGIC, (SP)
	MOVL	AX, 4(SP)
	MOVL	R13, 8(SP)
	MOVL	$0, 12(SP)
	MOVL	$REPORTFD, AX
	MOVQ	(AX), DI
	MOVQ	SP, SI
	MOVL	$16, DX
	MOVL	$1, AX // write
	SYSCALL
	MOVL	$1, DI
	MOVL	$231, AX // exit_group
	SYSCALL
	BYTE	$0x0f; BYTE $0x0b // ud2
	LONG	$0x45504154       // codeMarker
	LONG	$0x444e455f
	RET

TEXT ·interpreterText(SB), NOSPLIT, $0-8
	LEAQ	interpreter<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
