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
cat >>"$dir/job.subr" <<E
BOOT_RATIO=${BOOT_RATIO:-1.0} # how much longer than nspawn's a boot may take
export BOOT_TREES=${BOOT_TREES:-trixie,busybox} BOOT_SKIP='${BOOT_SKIP-trixie/ctr/user_namespace}' # of tests/boot
JOB_TIMEOUT=${JOB_TIMEOUT:-900} # seconds for each job
E
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
