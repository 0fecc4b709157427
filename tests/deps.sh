#!/bin/sh
# Installs what is missing of Debian's packages, and says nothing when nothing is: deps.sh GROUP...
#
#   build        what the two binaries are built with
#   test         what the tests of `make test` drive or compare with
#   demo         what makes a real tree
#   conformance  runc, whose results stand beside ours
#   engines      podman and containerd
#   bench        what `make bench` compares with
#   bench-import what `make bench-import` compares with
#   boot         trees of Debian, and the engines that boot them
#   vm           a virtual machine, and the trees that boot in it
#
# Who is not root is told what is missing. Without what building needs that is an error; tests skip, each with its reason.
set -eu

packages() {
	case $1 in
	build) echo gcc libc6-dev libseccomp-dev pkg-config make git ca-certificates ;;
	test) echo busybox-static runc umoci podman skopeo uidmap iproute2 dbus-daemon xz-utils zstd bzip2 acl attr linux-libc-dev ;;
	demo) echo busybox-static debootstrap expect ;;
	conformance) echo runc ;;
	engines) echo podman containerd conmon busybox-static ;;
	bench) echo crun runc busybox-static ;;
	bench-import) echo umoci podman debootstrap zstd python3 ;;
	boot) echo mmdebstrap busybox-static podman containerd conmon expect tmux ;;
	vm) echo qemu-system-x86 mmdebstrap e2fsprogs busybox-static ;;
	*)
		echo "deps.sh: unknown group $1" >&2
		exit 2
		;;
	esac
}

command -v dpkg-query >/dev/null || {
	echo "deps.sh: this is no Debian; if something is missing below, install what $0 lists" >&2
	exit 0
}

missing='' needed=''
for group in "$@"; do
	list=$(packages "$group")
	for p in $list; do
		case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
		*" installed") continue ;;
		esac
		case " $missing " in *" $p "*) continue ;; esac
		missing="$missing $p"
		[ "$group" = build ] && needed="$needed $p"
	done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps.sh: not installed:$missing" >&2
	echo "deps.sh: as root: apt-get install --no-install-recommends$missing" >&2
	[ -z "$needed" ] # without the rest, tests skip
	exit
fi

echo "deps.sh: installing$missing"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# A daemon that a package brings along is not to run because of our tests.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy" "$log"' EXIT
fi
# shellcheck disable=SC2086 # a list
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "deps.sh: apt-get failed" >&2
	exit 1
fi
rm -f "$log"
