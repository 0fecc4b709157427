# Pairs of boots to multi-user.target, nspawn and ours in turns on trees of their own, and the ratio of the medians.
. /job/job.subr
. /job/pair.subr
pairs=${PAIRS:-5}
milliseconds() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }
boot() { # WHO
	tree_for m$1
	begin=$(milliseconds)
	start_$1 m$1
	until [ -e /run/pair/m$1/root/var/is-up ]; do sleep 0.02; done
	echo $(($(milliseconds) - begin)) >>/tmp/times-$1
	kill -TERM $supervisor
	wait $supervisor
	untree m$1
}
boot nspawn; boot ours # not counted: caches
rm -f /tmp/times-*
i=0
while [ $i -lt $pairs ]; do
	boot nspawn
	boot ours
	i=$((i + 1))
done
median() { sort -n "$1" | sed -n "$((pairs / 2 + 1))p"; }
a=$(median /tmp/times-nspawn) b=$(median /tmp/times-ours)
ratio=$(awk "BEGIN { printf \"%.2f\", $b / $a }")
{
	echo '## Boot to multi-user.target'
	echo
	echo "Debian 13's tree; milliseconds, in the order measured, nspawn and ours in turns."
	echo
	echo "| | median of $pairs | each |"
	echo "|---|---|---|"
	echo "| systemd-nspawn | $a | $(tr '\n' ' ' </tmp/times-nspawn)|"
	echo "| gspawn-oci run | $b | $(tr '\n' ' ' </tmp/times-ours)|"
	echo
	echo "ours / nspawn: $ratio"
} | tee /job/out/boottime.md
echo "SUMMARY ours / nspawn = $ratio"
awk "BEGIN { exit !($ratio <= $BOOT_RATIO) }"
