#!/bin/bash
# Runs every fuzz target of the module for a while, one after the other: fuzz.sh [TIME]
#
# An interrupt ends each, as ctrl-C would, and not -fuzztime: there, a worker's "context deadline exceeded" can be taken
# for a finding (go.dev/issue/75804). A target that does not end by it hangs and is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
time=${1:-20s}
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$("$go" env GOCACHE)/fuzz

run() { # run FILE TARGET
	local package
	package=$("$go" list "$(dirname "$1")")
	"$go" test -c -fuzz "^$2\$" -o "$work/test" "$package"
	(
		cd "$(dirname "$1")"
		timeout --foreground --preserve-status --signal INT --kill-after 60s "$time" "$work/test" -test.run '^$' \
			-test.fuzz "^$2\$" -test.fuzzcachedir "$cache/$package" -test.fuzzminimizetime 1s
	)
}

found=0
for file in $(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		found=$((found + 1))
		echo "== $(dirname "$file") $target"
		run "$file" "$target"
	done
done
echo "$found fuzz targets, $time each"
[ "$found" -gt 0 ]
