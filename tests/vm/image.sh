#!/bin/sh
# Makes the virtual machine's disk, kernel and initrd, once: prints the directory in $GSPAWN_CACHE that holds root.img,
# vmlinuz and initrd. The directory is named by the hash of this script, the package list and the units. Needs root.
set -eu
cd "$(dirname "$0")"
cache=${GSPAWN_CACHE:-/var/tmp/gspawn-oci-cache}
mirror=${GSPAWN_MIRROR:-http://deb.debian.org/debian}
hash=$(cat image.sh packages guest/* | sha256sum | cut -c1-16)
dir=$cache/vm-$hash
if [ -e "$dir/initrd" ]; then
	echo "$dir"
	exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree

# A kernel package would build an initrd of its own, for half a minute.
INITRD=No mmdebstrap --quiet --variant=minbase --include="$(grep -v '^#' packages | paste -sd,)" \
	--aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' trixie "$tree" "$mirror" >&2
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/boot/initrd* "$tree"/usr/lib/firmware

cp guest/*.service "$tree/etc/systemd/system/"
cp guest/guest-job "$tree/usr/local/bin/"
for unit in guest-job.service guest-shell.service; do
	ln -s "../$unit" "$tree/etc/systemd/system/multi-user.target.wants/$unit"
done
# Nothing may start by itself in the middle of a measurement, and what is tested is not Debian's own boot.
for unit in getty@tty1.service serial-getty@ttyS0.service containerd.service podman.service podman-restart.service \
	podman-auto-update.timer podman.socket podman-clean-transient.service apt-daily.timer apt-daily-upgrade.timer \
	dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service systemd-tmpfiles-clean.timer \
	systemd-networkd-wait-online.service systemd-firstboot.service; do
	ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
echo vm >"$tree/etc/hostname"
echo 'root:100000:65536' | tee "$tree/etc/subuid" >"$tree/etc/subgid"
: >"$tree/etc/fstab"
chroot "$tree" passwd -d root >&2
chroot "$tree" systemd-machine-id-setup >&2
mkdir -p "$tree/job" "$tree/trees"

# The one module that leads to the root disk; the rest is loaded from there.
initrd=$work/initrd.d
mkdir -p "$initrd/bin" "$initrd/proc" "$initrd/dev" "$initrd/root"
cp "$tree/bin/busybox" "$initrd/bin/busybox"
module=$(find "$tree/usr/lib/modules" -name 'virtio_blk.ko*')
case $module in
*.xz) xz -dc "$module" >"$initrd/virtio_blk.ko" ;;
*) cp "$module" "$initrd/virtio_blk.ko" ;;
esac
cp guest/init "$initrd/init"
chmod 755 "$initrd/init" "$tree/usr/local/bin/guest-job"
(cd "$initrd" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/initrd"
cp "$tree"/boot/vmlinuz-* "$work/vmlinuz"
rm -rf "$tree"/boot/*
mke2fs -q -t ext4 -d "$tree" -L root -O ^has_journal "$work/root.img" 3G >&2
rm -rf "$tree" "$initrd"
rm -rf "$dir"
mkdir "$dir"
mv "$work/root.img" "$work/vmlinuz" "$dir/"
mv "$work/initrd" "$dir/initrd" # last: it says that the rest is there
echo "$dir"
