# A system under /var/lib/machines whose unit is enabled comes up with the host, stops with it, and comes up again.
. /job/job.subr
unit=gspawn-oci@lights.service
up() { [ "$(gspawn-oci exec lights systemctl is-system-running)" = running ]; }
if [ -z "$REBOOTED" ]; then
	cp /job/bin/gspawn-oci /job/bin/gspawn-oci-seccomp /job/bin/gspawn-oci-import /usr/local/bin/
	cp /job/gspawn-oci@.service /etc/systemd/system/
	systemctl daemon-reload
	check 'import' gspawn-oci import --quiet --into-machines /trees/trixie lights
	check 'machinectl lists the image' sh -c 'machinectl list-images --no-legend | grep "^lights "'
	check 'enable' systemctl enable $unit
	check 'machines.target is wanted at boot' systemctl enable machines.target
	check 'it does not run yet' sh -c '! gspawn-oci state lights'
	exit 194
fi
check 'the unit is active after the boot' until_true 120 systemctl is-active --quiet $unit
check 'the system is running' until_true 120 up
check 'machinectl lists it' sh -c 'machinectl list --no-legend | grep "^lights "'
systemctl status --no-pager $unit | head -n 20
check 'stop' systemctl stop $unit
check 'it ended in good order' sh -c '[ "$(systemctl show -P Result '$unit')" = success ]'
check 'nothing is left' sh -c '! gspawn-oci state lights'
systemctl disable $unit
journalctl -b --no-pager -u $unit | tail -n 20
failures=$(grep -c '^FAIL ' /job/out/70-reboot.log) # those before the reboot too
finish "$(grep -c '^ok \|^FAIL ' /job/out/70-reboot.log)"
