#!/bin/sh
# Measures and writes results.md, results.svg and results.json: run.sh [RESULTS-DIRECTORY [FLAGS…]]; see main.go.
set -eu
cd "$(dirname "$0")/../.."
results=${1:-results}
[ $# -eq 0 ] || shift
bench=$(mktemp)
trap 'rm -f "$bench"' EXIT
go build -o "$bench" ./tests/bench # built first: `go run` would keep the go command in memory beside the measurement
"$bench" -results "$results" "$@"
