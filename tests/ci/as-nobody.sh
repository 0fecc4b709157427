#!/bin/sh
# Runs a test binary as an unprivileged user: `go test -exec tests/ci/as-nobody.sh`, as root. The go command keeps its
# binaries where nobody else may look, hence the copy; and that user has no module cache, hence no go command either.
set -eu
dir=$(mktemp -d /tmp/as-nobody-XXXXXX)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tmp"
cp "$1" "$dir/test"
chown 65534:65534 "$dir"
chmod 755 "$dir" "$dir/test"
chmod 1777 "$dir/tmp"
shift
rc=0
env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$dir/tmp" TMPDIR="$dir/tmp" XDG_RUNTIME_DIR="$dir/tmp" \
	setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/test" "$@" || rc=$?
exit "$rc"
