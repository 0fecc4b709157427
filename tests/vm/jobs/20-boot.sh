# The matrix of tests/boot, where every controller of cgroup v2 is; 25-cri has the way by CRI.
. /job/job.subr
mkdir -p /var/tmp/gspawn-oci-cache
export GSPAWN_CACHE=/var/tmp/gspawn-oci-cache BOOT_TABLE=/job/out/boot.md
cd /job/tests/boot && ./boot.test -test.v -test.timeout=$((JOB_TIMEOUT - 60))s -test.skip "TestBoot/host/.*/CRI${BOOT_SKIP:+|TestBoot/host/$BOOT_SKIP}" \
	-test.run "${BOOT_RUN:-TestBoot|TestEnding/.*/trixie}"
code=$?
[ ! -e /job/out/boot.md ] || { echo '## Boot matrix'; echo; cat /job/out/boot.md; } >/job/out/boot.new
[ ! -e /job/out/boot.new ] || mv /job/out/boot.new /job/out/boot.md
echo "SUMMARY $(grep -c '^ *--- PASS' /job/out/20-boot.log) passed, $(grep -c '^ *--- FAIL' /job/out/20-boot.log) failed, $(grep -c '^ *--- SKIP' /job/out/20-boot.log) skipped"
exit $code
