#include "textflag.h"

#define SYS_madvise 28
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define PAGE 4096

// POPULATE maps the pages from one symbol to another.
#define POPULATE(from, to, advice) \
	LEAQ	from(SB), DI \
	LEAQ	to(SB), SI \
	ANDQ	$~(PAGE-1), DI \
	SUBQ	DI, SI \
	ADDQ	$(PAGE-1), SI \
	ANDQ	$~(PAGE-1), SI \
	MOVL	$advice, DX \
	MOVL	$SYS_madvise, AX \
	SYSCALL

// entry is where the process begins when it is linked with -E: it maps the
// program's own code and data, and goes on to where it would have begun. There
// is no stack to use but the kernel's, of which nothing may be changed. An
// error leaves pages to be faulted in as usual (so do kernels with other pages).
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	POPULATE(runtime·text, runtime·etext, POPULATE_READ)
	POPULATE(runtime·rodata, runtime·epclntab, POPULATE_READ)
	POPULATE(runtime·noptrdata, runtime·ebss, POPULATE_WRITE)
	JMP	_rt0_amd64_linux(SB)
