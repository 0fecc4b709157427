package main

// edit replaces old, which has to stand in the function exactly once, by new. The function is given by how it begins; its end
// is the first brace at the beginning of a line.
type edit struct{ file, function, old, new string }

// runtimeEdits are what is changed of package runtime. docs/choices.md has the figures.
var runtimeEdits = []edit{
	// Package initialisation keeps the main goroutine on the main thread for the sake of libraries that want that. There
	// are none here, and the collector's goroutines, which start before, take two further threads and four switches for it.
	{"proc.go", "func main() {", "\tlockOSThread()\n", ""},
	{"proc.go", "func main() {", "\tneedUnlock := true\n\tdefer func() {\n\t\tif needUnlock {\n\t\t\tunlockOSThread()\n\t\t}\n\t}()\n", ""},
	{"proc.go", "func main() {", "\tneedUnlock = false\n\tunlockOSThread()\n", ""},

	// One goroutine runs at a time, unless GOMAXPROCS says otherwise: more threads cost more than they give. So nobody
	// needs to know what the control group allows, or whether that changes.
	{"proc.go", "func schedinit() {", "\tdefaultGOMAXPROCSInit()\n", ""},
	{"proc.go", "func schedinit() {", "\t\tprocs = defaultGOMAXPROCS(numCPUStartup)\n", "\t\tprocs = 1\n\t\tsched.customGOMAXPROCS = true\n"},
	{"proc.go", "func main() {", "\tdefaultGOMAXPROCSUpdateEnable()", "\t"},

	// The monitor begins with sleeps of 20 µs. In that rhythm it takes an eighth of the processor time of a `run`, and
	// preempts the container's init where processors are few.
	{"proc.go", "func sysmon() {", "if idle == 0 { // start with 20us sleep...\n\t\t\tdelay = 20\n", "if idle == 0 {\n\t\t\tdelay = 2000\n"},
	{"proc.go", "func sysmon() {", "idle = 0\n\t\t\t\t\tdelay = 20\n", "idle = 0\n\t\t\t\t\tdelay = 2000\n"},

	// The main goroutine gets a stack as large as it will need. Growing on the way copies it three times, each through the
	// tables of all frames (about 50 pages touched).
	{"proc.go", "func newproc1(", "\t\tnewg = malg(stackMin)\n",
		"\t\tif mainStarted {\n\t\t\tnewg = malg(stackMin)\n\t\t} else {\n\t\t\tnewg = malg(32 << 10)\n\t\t}\n"},

	// Allocations are not sampled. The linker sees to that where nobody reads the profile, but too late: the first
	// allocation of a process is sampled, and unwound for it (about 30 pages).
	{"mprof.go", "var MemProfileRate", " = 512 * 1024", ""},

	// Real-time signals, and those that are ignored by default, get handlers when they are asked for: it is 33 system
	// calls, and the SIGCHLD of a container's process is then nothing to wake up for. What the caller ignored gets its
	// handler still: nobody could wait for a child without SIGCHLD, and children would inherit it ignored.
	{"signal_unix.go", "func initsig(", "\t\tfwdSig[i] = getsig(i)\n",
		"\t\tfwdSig[i] = getsig(i)\n\t\tif (t.flags&_SigIgn != 0 || i > 34) && fwdSig[i] == _SIG_DFL {\n\t\t\tcontinue\n\t\t}\n"},

	// Tables that only serve checks, counts and profiles are not read: whether the linker has sorted the functions, how
	// much stack an asynchronous preemption takes (there is none, then, as with GODEBUG=asyncpreemptoff=1), whether
	// a goroutine is one of package runtime (runtime.NumGoroutine counts those too), and where threads are started.
	{"proc.go", "func schedinit() {", "\tmoduledataverify()\n", ""},
	{"preempt.go", "", "func init() {\n\tf := findfunc(", "func asyncPreemptInit() {\n\tf := findfunc("},
	{"proc.go", "func newproc1(", "if isSystemGoroutine(newg, false) {", "if false {"},
	{"proc.go", "func mcommoninit(", "\t\tcallers(1, mp.createstack[:])\n", ""},
	{"proc.go", "func gdestroy(", "if isSystemGoroutine(gp, false) {", "if false {"},

	// Huge pages are for larger heaps.
	{"os_linux.go", "func osinit() {", "\tphysHugePageSize = getHugePageSize()\n", ""},

	// See _runtime/populate.go.
	{"runtime1.go", "func check() {", "func check() {\n", "func check() {\n\tpopulate()\n"},
	{"mheap.go", "func (h *mheap) allocSpan(", "\t\tsysUsed(unsafe.Pointer(base), nbytes, scav)\n",
		"\t\tsysUsed(unsafe.Pointer(base), nbytes, scav)\n\t\tpopulateHeap(base, base+nbytes)\n"},
}

// linkerEdits are what is changed of the linker, where -randlayout puts the functions into another order; see _link/order.go.
var linkerEdits = []edit{
	{"data.go", "func (ctxt *Link) textaddress() {", "\t\tr.Shuffle(len(textp), ", "\t\tlayOut(ctxt, textp)\n\t\tr.Shuffle(0, "},
	// What has no size stays first: marks for sections lie there.
	{"data.go", "func (state *dodataState) dodataSect(", "\t\t\t\tcase isz != jsz:\n",
		"\t\t\t\tcase isz != 0 && jsz != 0 && placeOf(symn, si) != placeOf(symn, sj):\n" +
			"\t\t\t\t\treturn placeOf(symn, si) < placeOf(symn, sj)\n\t\t\t\tcase isz != jsz:\n"},
}
