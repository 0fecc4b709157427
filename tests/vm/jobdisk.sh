#!/bin/sh
# Fills DIR with what the virtual machine runs: the runtime, compiled tests, the jobs (all, or those named after DIR).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
dir=$1
shift
mkdir -p "$dir/bin" "$dir/jobs" "$dir/tests" "$dir/out"
runtime=${RUNTIME:-$repo/bin/gspawn-oci}
cp "$runtime" "$(dirname "$runtime")/gspawn-oci-seccomp" "$(dirname "$runtime")/gspawn-oci-import" "$dir/bin/"
cp "$here/guest-main" "$dir/main"
cp "$here"/*.subr "$here/record.sh" "$repo/docs/boot.md" "$dir/"
echo "BOOT_RATIO=${BOOT_RATIO:-1.0} # how much longer than nspawn's a boot may take" >>"$dir/job.subr"
cp "$repo"/contrib/*.service "$dir/" 2>/dev/null || true
[ $# -gt 0 ] || set -- $(cd "$here/jobs" && ls | sed 's/\.sh$//')
for job; do cp "$here/jobs/$job.sh" "$dir/jobs/"; done

cd "$repo"
export CGO_ENABLED=0
for package in lifecycle boot engines; do
	# Tests read testdata in their own directory.
	mkdir -p "$dir/tests/$package"
	go test -c -tags boot,engines -o "$dir/tests/$package/$package.test" "./tests/$package"
	[ ! -d "tests/$package/testdata" ] || cp -r "tests/$package/testdata" "$dir/tests/$package/"
done
go build -tags faultinject -o "$dir/bin/gspawn-oci-fault" .
go build -o "$dir/bin/mkbundle" ./tests/vm/mkbundle
(cd tests/cri && go build -o "$dir/bin/cri" .)
