#!/bin/sh
# Makes the root file systems that the boot tests start, once, in $GSPAWN_CACHE (default /var/tmp/gspawn-oci-cache):
# trees/NAME for each NAME given, all by default. A tree is rebuilt when this script changes. Never boot one in place.
set -eu
cache=${GSPAWN_CACHE:-/var/tmp/gspawn-oci-cache}
mirror=${GSPAWN_MIRROR:-http://deb.debian.org/debian}
version=$(sha256sum "$0" | cut -c1-16)
mkdir -p "$cache/trees"

# debian NAME SUITE PACKAGES…: a minimal tree of Debian packages, without documentation and package lists.
debian() {
	name=$1 suite=$2 packages=$3
	shift 3
	mmdebstrap --quiet --variant=minbase --include="$packages" \
		--aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook='chroot "$1" passwd -d root >/dev/null' \
		--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin; : >"$1/etc/machine-id"' \
		"$@" "$suite" "$cache/trees/.$name.new" "$mirror"
}

busybox_tree() {
	dir=$cache/trees/.busybox.new
	mkdir -p "$dir"/bin "$dir"/sbin "$dir"/etc "$dir"/proc "$dir"/sys "$dir"/dev "$dir"/tmp "$dir"/run "$dir"/root "$dir"/var
	cp /bin/busybox "$dir/bin/busybox"
	for applet in sh ls cat echo sleep mount umount ps kill id hostname poweroff reboot halt touch grep; do
		ln -s busybox "$dir/bin/$applet"
	done
	ln -s ../bin/busybox "$dir/sbin/init"
	printf '::sysinit:/bin/touch /run/up\n::shutdown:/bin/touch /var/down\n' >"$dir/etc/inittab"
	printf 'root::0:0:root:/root:/bin/sh\n' >"$dir/etc/passwd"
	printf 'root:x:0:\n' >"$dir/etc/group"
}

make_tree() {
	case $1 in
	bookworm | trixie) debian "$1" "$1" systemd,systemd-sysv,dbus,libpam-systemd,login ;;
	openrc) debian openrc trixie openrc,sysvinit-core,procps ;;
	runit) debian runit trixie runit,runit-init,procps ;;
	busybox) busybox_tree ;;
	*) echo "no tree is called $1: bookworm trixie busybox openrc runit" >&2 && exit 2 ;;
	esac
}

[ $# -gt 0 ] || set -- bookworm trixie busybox openrc runit
for tree; do
	if [ "$(cat "$cache/trees/.$tree.version" 2>/dev/null)" = "$version" ] && [ -d "$cache/trees/$tree" ]; then
		continue
	fi
	rm -rf "$cache/trees/.$tree.new"
	make_tree "$tree"
	rm -rf "${cache:?}/trees/$tree"
	mv "$cache/trees/.$tree.new" "$cache/trees/$tree"
	echo "$version" >"$cache/trees/.$tree.version"
done
