# The systemd cgroup driver, limits inside a booted system, and systemd-machined.
. /job/job.subr
. /job/pair.subr

# An application in a scope of machine.slice.
mkdir -p /run/app/rootfs/bin
cp /bin/busybox /run/app/rootfs/bin/sh
gspawn-oci spec -b /run/app
sed -i 's|"terminal": true|"terminal": false|; s|"linux": {|"linux": { "cgroupsPath": "machine.slice:gspawn:app", |' /run/app/config.json
sed -i 's|"sh"$|"sh", "-c", "while :; do sleep 1; done"|' /run/app/config.json
gspawn-oci --systemd-cgroup run --detach --bundle /run/app app
check 'a scope gspawn-app.scope is active' systemctl is-active --quiet gspawn-app.scope
check 'in machine.slice' test -d /sys/fs/cgroup/machine.slice/gspawn-app.scope
echo '{"memory":{"limit":50331648},"pids":{"limit":77}}' | gspawn-oci update --resources=- app
check 'update: memory.max of the kernel' grep -qx 50331648 /sys/fs/cgroup/machine.slice/gspawn-app.scope/memory.max
check 'update: MemoryMax of systemd' sh -c 'systemctl show -P MemoryMax gspawn-app.scope | grep -qx 50331648'
check 'update: TasksMax of systemd' sh -c 'systemctl show -P TasksMax gspawn-app.scope | grep -qx 77'
gspawn-oci delete --force app
check 'the scope goes with the container' until_true 5 sh -c '! systemctl is-active --quiet gspawn-app.scope'

# An application is registered on request, and no other.
gspawn-oci --systemd-cgroup run --detach --bundle /run/app app
check 'an application is not registered' sh -c '! machinectl show app'
gspawn-oci delete --force app
gspawn-oci --systemd-cgroup run --detach --register --bundle /run/app app
check 'an application is registered on request' sh -c 'machinectl show -p Class --value app | grep -qx container'
check 'with its leader' sh -c '[ "$(machinectl show -p Leader --value app)" = "$(gspawn-oci state app | sed -n "s/.*\"pid\": *\([0-9]*\).*/\1/p")" ]'
gspawn-oci delete --force app
check 'machined has forgotten the application' until_true 10 sh -c '! machinectl show app'

# A system in the foreground.
tree_for box
start_ours box
in_box() { gspawn-oci exec box "$@"; }
check 'box is up' until_true 120 has box is-up
check 'is-system-running' sh -c 'until s=$(gspawn-oci exec box systemctl is-system-running); [ "$s" != starting ]; do sleep 1; done; echo "$s"; [ "$s" = running ]'
in_box systemctl --failed --no-legend
in_box systemd-run --quiet --unit=limited -p MemoryMax=33554432 -p TasksMax=33 -p CPUQuota=20% /bin/sleep 300
check 'a unit inside has MemoryMax in the kernel' sh -c 'gspawn-oci exec box cat /sys/fs/cgroup/system.slice/limited.service/memory.max | grep -qx 33554432'
check 'a unit inside has TasksMax in the kernel' sh -c 'gspawn-oci exec box cat /sys/fs/cgroup/system.slice/limited.service/pids.max | grep -qx 33'
check 'a unit inside has CPUQuota in the kernel' sh -c 'gspawn-oci exec box cat /sys/fs/cgroup/system.slice/limited.service/cpu.max | grep -q "^20000 100000"'
in_box systemd-run --wait --quiet -p MemoryMax=16M -p MemorySwapMax=0 /bin/sh -c 'head -c 200000000 /dev/zero | tail' 2>&1
check 'more memory than MemoryMax is killed' sh -c 'gspawn-oci exec box journalctl -b --no-pager | grep -qi "oom-kill\|oom kill\|out of memory"'
in_box systemctl list-timers --no-pager --no-legend
check 'timers' in_box systemd-run --quiet --on-active=1 --unit=ticked /bin/touch /var/ticked
check 'a timer fires' until_true 60 has box ticked
check 'virtualisation' sh -c 'gspawn-oci exec box systemd-detect-virt | grep -x "systemd-nspawn\|container-other"'

# systemd-machined
check 'machinectl lists it' sh -c 'machinectl list --no-legend | grep "^box "'
machinectl status --no-pager box | head -n 20
machinectl show box | grep -E '^(Name|Id|Service|Unit|Leader|Class|RootDirectory|State)='
check 'machinectl show: Service' sh -c 'machinectl show -p Service box | grep -qx Service=gspawn-oci'
check 'machinectl show: RootDirectory' sh -c 'machinectl show -p RootDirectory --value box | grep -qx /run/pair/box/root'
check 'machinectl copy-to' machinectl copy-to box /etc/debian_version /root/copied
check 'machinectl copy-from' machinectl copy-from box /root/copied /run/copied
check 'machinectl shell' sh -c 'machinectl --quiet shell box /bin/touch /var/by-shell </dev/null'
check 'what shell did' until_true 20 has box by-shell
rm -f /run/typescript
check 'machinectl login' sh -c '(
	until grep -qs "login:" /run/typescript; do sleep 0.5; done; echo root
	until grep -qs "[#] *$" /run/typescript; do sleep 0.5; done
	echo "loginctl --no-legend >/var/sessions; touch /var/by-login"; sleep 3; echo exit; sleep 3; printf "\035\035\035"
) | timeout 90 script -qfc "machinectl login box" /run/typescript'
check 'what login did' until_true 20 has box by-login
check 'it is a session of logind' sh -c 'cat /run/pair/box/root/var/sessions; grep -q root /run/pair/box/root/var/sessions'
leader=$(machinectl show -p Leader --value box)
check 'machinectl reboot' machinectl reboot box
check 'it comes up again as another PID 1' until_true 120 sh -c "l=\$(machinectl show -p Leader --value box) && [ -n \"\$l\" ] && [ \"\$l\" != \"$leader\" ]"
check 'and answers' until_true 60 gspawn-oci exec box systemctl is-active --quiet multi-user.target
check 'machinectl poweroff' machinectl poweroff box
wait $supervisor
code=$?
check "run ends with 0 (was $code)" [ $code = 0 ]
check 'machined has forgotten it' until_true 10 sh -c '! machinectl show box'
rm -f /run/pair/box/root/var/is-up

# kill -9 of the supervisor
start_ours box
check 'box is up again' until_true 120 has box is-up
kill -9 $supervisor
gspawn-oci delete --force box
check 'machined has forgotten it after kill -9' until_true 20 sh -c '! machinectl show box'
check 'no scope stays' until_true 20 sh -c '! systemctl list-units --all --no-legend "machine-*" | grep box'
rm -f /run/pair/box/root/var/is-up
start_ours box
check 'the next start comes up' until_true 120 has box is-up

# kill -9 of the supervisor, and nothing deleted
kill -9 $supervisor
check 'machined has forgotten it after kill -9 alone' until_true 20 sh -c '! machinectl show box'
rm -f /run/pair/box/root/var/is-up
start_ours box
check 'the next start comes up, with nothing deleted' until_true 120 has box is-up
check 'machinectl lists that' sh -c 'machinectl list --no-legend | grep "^box "'
check 'machinectl terminate' machinectl terminate box
wait $supervisor
check 'machined has forgotten it after terminate' until_true 20 sh -c '! machinectl show box'
untree box
finish "$(grep -c '^ok \|^FAIL ' /job/out/30-systemd.log)"
