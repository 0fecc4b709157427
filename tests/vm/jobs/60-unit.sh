# gspawn-oci@.service: enable, boot, reboot inside, stop, and start at boot as machines.target has it.
. /job/job.subr
. /job/pair.subr
tree_for box
mkdir -p /var/lib/gspawn-oci/box
mkbundle /run/pair/box/root box private >/var/lib/gspawn-oci/box/config.json
sed 's|/usr/local/bin/gspawn-oci|/job/bin/gspawn-oci|g' /job/gspawn-oci@.service >/etc/systemd/system/gspawn-oci@.service
systemctl daemon-reload
systemd-analyze verify gspawn-oci@box.service
unit=gspawn-oci@box.service
check 'enable --now' systemctl enable --now $unit
check 'active' systemctl is-active $unit
if ! systemctl is-active --quiet $unit; then
	systemctl status --no-pager --full $unit
	journalctl -b --no-pager -u $unit
	exit 1
fi
check 'machines.target wants it' sh -c 'systemctl show -P Wants machines.target | grep -q gspawn-oci@box'
check 'the system is up' until_true 120 has box is-up
systemctl status --no-pager $unit | head -n 30
show() { systemctl show -P "$1" $unit; }
check 'Delegate' [ "$(show Delegate)" = yes ]
check 'DevicePolicy' [ "$(show DevicePolicy)" = closed ]
echo "cgroup of the system: $(cat /proc/"$(gspawn-oci state box | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')"/cgroup)"
check 'the system lives in the unit' sh -c 'systemctl status --no-pager '$unit' | grep -q "payload"'
check 'is-system-running inside' sh -c 'until s=$(gspawn-oci exec box systemctl is-system-running); [ "$s" != starting ]; do sleep 1; done; echo "$s"; [ "$s" = running ]'
check 'machinectl lists it' sh -c 'machinectl list --no-legend | grep "^box "'
restarts=$(show NRestarts)
rm -f /run/pair/box/root/var/is-up
gspawn-oci exec box systemctl reboot
check 'reboot inside: the unit starts again' until_true 120 sh -c '[ "$(systemctl show -P NRestarts '$unit')" -gt '"$restarts"' ]'
check 'and the system is up' until_true 120 has box is-up
check 'stop' systemctl stop $unit
echo "Result=$(show Result) ExecMainStatus=$(show ExecMainStatus) after stop"
check 'stopped without failure' [ "$(show Result)" = success ]
check 'nothing is left' sh -c '! gspawn-oci state box'
# poweroff inside ends the unit without a restart.
rm -f /run/pair/box/root/var/is-up
systemctl start $unit
check 'started again' until_true 120 has box is-up
gspawn-oci exec box systemctl poweroff
check 'poweroff inside: inactive' until_true 60 sh -c '[ "$(systemctl is-active '$unit')" = inactive ]'
journalctl -u $unit --no-pager -n 30
systemctl disable $unit
untree box
finish "$(grep -c '^ok \|^FAIL ' /job/out/60-unit.log)"
