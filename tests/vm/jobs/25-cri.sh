# Pods through containerd's CRI: systems of tests/boot, with and without user namespaces, and applications of
# tests/engines. It is a job of its own since importing an image takes long here.
. /job/job.subr
mkdir -p /var/tmp/gspawn-oci-cache
export CRI_CLIENT=/job/bin/cri GSPAWN_CACHE=/var/tmp/gspawn-oci-cache BOOT_TABLE=/job/out/cri.md BOOT_WAYS=CRI
code=0
cd /job/tests/boot && ./boot.test -test.v -test.timeout=$((JOB_TIMEOUT - 180))s -test.run TestBoot || code=1
cd /job/tests/engines && ./engines.test -test.v -test.timeout=3m -test.run TestCRI || code=1
[ ! -e /job/out/cri.md ] || { echo '## Boot matrix, CRI'; echo; cat /job/out/cri.md; } >/job/out/cri.new
[ ! -e /job/out/cri.new ] || mv /job/out/cri.new /job/out/cri.md
echo "SUMMARY $(grep -c '^ *--- PASS' /job/out/25-cri.log) passed, $(grep -c '^ *--- FAIL' /job/out/25-cri.log) failed, $(grep -c '^ *--- SKIP' /job/out/25-cri.log) skipped"
exit $code
