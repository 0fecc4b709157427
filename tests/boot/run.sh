#!/bin/sh
# Runs the boot tests and leaves their table in RESULTS/boot.md (default results/).
set -eu
cd "$(dirname "$0")/../.."
results=${1:-results}
mkdir -p "$results"
BOOT_TABLE=$(realpath "$results")/boot.md
export BOOT_TABLE
exec go test -tags boot -count=1 -timeout=40m ./tests/boot
