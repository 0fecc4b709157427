#!/bin/sh
# Runs every fuzz target of the module for a while, one after the other: fuzz.sh [TIME]
set -eu
cd "$(dirname "$0")/../.."
time=${1:-20s}
found=0
for file in $(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		found=$((found + 1))
		echo "== $(dirname "$file") $target"
		${GO:-go} test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s "$(dirname "$file")"
	done
done
echo "$found fuzz targets, $time each"
[ "$found" -gt 0 ]
