# The tests of the whole commands.
. /job/job.subr
export TMPDIR=/var/tmp # /tmp is a mount with options of its own
cd /job/tests/lifecycle && ./lifecycle.test -test.v -test.timeout=14m
code=$?
echo "SUMMARY $(grep -c '^ *--- PASS' /job/out/10-lifecycle.log) passed, $(grep -c '^ *--- FAIL' /job/out/10-lifecycle.log) failed, $(grep -c '^ *--- SKIP' /job/out/10-lifecycle.log) skipped"
exit $code
