#include "textflag.h"

// The interpreter. R20 is the current record; the layout is in record.go, the
// fixed addresses in layout.go. It needs no stack except for the report.

#define TEXTBASE 0x10100000 // the slot with the first record's address is 0xe8 above
#define REPORTFD 0x10000000 // cell with the report descriptor

TEXT interpreter<>(SB), NOSPLIT|NOFRAME, $0
	MOVD	$TEXTBASE, R19
	MOVD	0xe8(R19), R19 // first record
	MOVD	R19, R20
	MOVD	$0xffff, R22   // nrMove, anyErrno
	MOVD	$48, R23
loop:
	MOVBU	2(R20), R21
	MOVW	8(R20), R0
	MOVW	12(R20), R1
	MOVW	16(R20), R2
	MOVW	20(R20), R3
	MOVW	24(R20), R4
	MOVW	28(R20), R5
	CBZ	R21, call
	TBZ	$0, R21, a1
	MOVD	(R0), R0
a1:
	TBZ	$1, R21, a2
	MOVD	(R1), R1
a2:
	TBZ	$2, R21, a3
	MOVD	(R2), R2
a3:
	TBZ	$3, R21, a4
	MOVD	(R3), R3
a4:
	TBZ	$4, R21, a5
	MOVD	(R4), R4
a5:
	TBZ	$5, R21, call
	MOVD	(R5), R5
call:
	MOVHU	(R20), R8
	CMPW	R22, R8
	BEQ	store // the result is the first argument
	SVC
	CMN	$4095, R0
	BCS	fail
store:
	MOVWU	4(R20), R21
	CBZ	R21, branch
	MOVD	R0, (R21)
branch:
	MOVH	32(R20), R24
	CBZ	R0, next
	MOVH	34(R20), R24
next:
	ADD	$1, R24, R24
	MUL	R23, R24, R24
	ADD	R24, R20, R20
	B	loop

fail:
	NEGW	R0, R0
	ADD	$36, R20, R21
	MOVD	$3, R25
expect:
	MOVH	2(R21), R24
	MOVHU	(R21), R26
	CMPW	R0, R26
	BEQ	next
	CMPW	R22, R26
	BEQ	next
	ADD	$4, R21, R21
	SUB	$1, R25, R25
	CBNZ	R25, expect

	// Nobody expected it: {magic, record, errno, 0}, then the end.
	SUB	R19, R20, R20
	UDIV	R23, R20, R20
	SUB	$16, RSP, R1
	MOVD	$0x4154, R21 // reportMagic
	MOVK	$(0x4550<<16), R21
	MOVW	R21, (R1)
	MOVW	R20, 4(R1)
	MOVW	R0, 8(R1)
	MOVW	ZR, 12(R1)
	MOVD	$REPORTFD, R21
	MOVD	(R21), R0
	MOVD	$16, R2
	MOVD	$64, R8 // write
	SVC
	MOVD	$1, R0
	MOVD	$94, R8 // exit_group
	SVC
	BRK
	WORD	$0x45504154 // codeMarker
	WORD	$0x444e455f
	RET

TEXT ·interpreterText(SB), NOSPLIT, $0-8
	MOVD	$interpreter<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET
