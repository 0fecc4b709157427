#!/bin/sh
# Makes the disk with the root file systems of tests/boot for the virtual machine, once, and prints its path.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${GSPAWN_CACHE:-/var/tmp/gspawn-oci-cache}
hash=$(cat "$here/../boot/trees.sh" "$here/treedisk.sh" | sha256sum | cut -c1-16)
disk=$cache/trees-$hash.img
if [ ! -e "$disk" ]; then
	"$here/../boot/trees.sh" >&2
	mke2fs -q -t ext4 -O ^has_journal -d "$cache/trees" "$disk.new" 3G >&2
	mv "$disk.new" "$disk"
fi
echo "$disk"
