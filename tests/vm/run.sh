#!/bin/sh
# Boots the virtual machine, runs jobs/NAME.sh in it (all, or those named) and brings out results/vm: report.md, one log
# a job, journal.txt, console.txt. The exit code is 0 when every job's is. `run.sh shell` gives a shell instead.
# Needs root, qemu-system-x86, mmdebstrap and e2fsprogs; no KVM.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${GSPAWN_CACHE:-/var/tmp/gspawn-oci-cache}
out=${RESULTS:-$repo/results}/vm
limit=${VM_TIMEOUT:-2400} # seconds for the whole machine

image=$("$here/image.sh")
trees=$("$here/treedisk.sh")
work=$(mktemp -d "$cache/job.XXXXXX")
trap 'rm -rf "$work"' EXIT

shell=
[ "${1-}" = shell ] && shell=yes && shift
"$here/jobdisk.sh" "$work/job" "$@"
mke2fs -q -t ext4 -O ^has_journal -d "$work/job" "$work/job.img" 2G >&2

# Plain Nehalem may hang at cmpxchg16b under software emulation; max crashes.
set -- -nodefaults -no-user-config -machine pc -accel tcg,thread=multi -cpu Nehalem,-cx16 -smp "${VM_CPUS:-2}" -m 4096 \
	-kernel "$image/vmlinuz" -initrd "$image/initrd" -display none -net none \
	-drive "file=$image/root.img,format=raw,if=virtio,snapshot=on,cache=unsafe" \
	-drive "file=$work/job.img,format=raw,if=virtio,cache=unsafe" \
	-drive "file=$trees,format=raw,if=virtio,snapshot=on,cache=unsafe"
# Each return to user space with another page table, as against Meltdown, empties the emulator's TLB.
append='console=ttyS0 root=/dev/vda rw mitigations=off init_on_alloc=0 panic=-1 oops=panic quiet systemd.show_status=0 net.ifnames=0'
export TMPDIR="$work" # snapshot=on writes there

if [ -n "$shell" ]; then
	nice -n 10 qemu-system-x86_64 "$@" -serial mon:stdio -append "$append guest.shell"
	exit
fi
rm -rf "$out"
mkdir -p "$out"
start=$(date +%s)
timeout -k 5 "$limit" nice -n 10 qemu-system-x86_64 "$@" -serial "file:$out/console.txt" -monitor none -append "$append" </dev/null ||
	echo "qemu ended with exit code $?" >&2
debugfs -R "rdump /out $work" "$work/job.img" >/dev/null 2>&1 || true
[ ! -d "$work/out" ] || cp -r "$work/out/." "$out/"
cat "$out/report.md" 2>/dev/null || tail -n 40 "$out/console.txt"
echo "the machine ran $(($(date +%s) - start)) s; logs in $out"
exit "$(cat "$out/exit" 2>/dev/null || echo 99)"
