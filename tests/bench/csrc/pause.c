// The smallest static process that stays: pause(2) in a loop, ended by any deadly signal.
void _start(void) {
	for (;;) {
#if defined(__x86_64__)
		__asm__ volatile("mov $34, %%eax; syscall" ::: "rax", "rcx", "r11", "memory");
#elif defined(__aarch64__)
		__asm__ volatile("mov x0, #0; mov x1, #0; mov x2, #0; mov x3, #0; mov x8, #73; svc #0" ::: "x0", "x8", "memory");
#endif
	}
}
