#!/bin/sh
# Runs the engines' tests: run.sh [FLAGS of go test…]. RUNTIME is the runtime, REQUIRE_ALL=1 forbids skips.
set -eu
cd "$(dirname "$0")/../.."
export RUNTIME="${RUNTIME:-$(realpath bin/gspawn-oci)}"
exec go test -tags engines -count=1 -timeout 20m "$@" ./tests/engines
