// The smallest static true: what a container runs when only the runtime is to be measured.
void _start(void) {
#if defined(__x86_64__)
	__asm__ volatile("xor %edi, %edi; mov $231, %eax; syscall");
#elif defined(__aarch64__)
	__asm__ volatile("mov x0, #0; mov x8, #94; svc #0");
#endif
}
