#!/bin/sh
# Looks for known vulnerabilities; says so when the database is out of reach, never passing silently.
# GOVULNDB=file:///path names a local copy.
set -u
cd "$(dirname "$0")/../.." || exit 1
db=${GOVULNDB:-https://vuln.go.dev}
out=$(${GO:-go} tool -modfile=tools/go.mod govulncheck -db "$db" ./... 2>&1)
rc=$?
case $out in
*"fetching vulnerabilities"* | *"dial tcp"* | *"no such host"* | *"modified.json"* | *"connection refused"*)
	echo "govulncheck: skipped: no database ($db)"
	exit 0
	;;
esac
printf '%s\n' "$out"
exit "$rc"
