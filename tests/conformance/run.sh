#!/bin/sh
# Runs the validation suite on this machine's cgroup layout, then in a mount namespace with cgroup v2 if that is another;
# writes conformance-*.md: run.sh [RESULTS-DIRECTORY [FLAGS…]]; see main.go.
set -eu
results=${1:-results}
[ $# -eq 0 ] || shift
mkdir -p "$results"
results=$(realpath "$results")
cd "$(dirname "$0")"
export RUNTIME="${RUNTIME:-$(realpath ../../bin/gspawn-oci)}"
conformance=$(mktemp)
trap 'rm -f "$conformance"' EXIT
go build -o "$conformance" .
failed=0
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
	"$conformance" -out "$results/conformance-v2.md" "$@" || failed=$?
else
	"$conformance" -out "$results/conformance-v1.md" "$@" || failed=$?
	"$conformance" -v2 -out "$results/conformance-v2.md" "$@" || failed=$?
fi
exit $failed
