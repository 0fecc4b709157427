# systemd-nspawn and ours on the same tree: what each is like from inside, and the difference. differences.txt lists
# those that are known, each explained in docs/boot.md.
. /job/job.subr
. /job/pair.subr
for who in nspawn ours; do
	tree_for m$who
	# Names differ; that is not to be a difference.
	touch /run/pair/m$who/root/var/want-record
	start_$who m$who
	check "$who: up and recorded" until_true 120 has m$who recorded
	mkdir -p /job/out/record-$who
	cp -r /run/pair/m$who/root/var/record/. /job/out/record-$who/
	sed -i "s/m$who/MACHINE/g" /job/out/record-$who/*
	machinectl list --no-legend
	machinectl status --no-pager m$who | head -n 12
	kill -TERM $supervisor
	begin=$(cut -d. -f1 /proc/uptime)
	wait $supervisor
	echo "$who: SIGTERM ended it with $? after $(($(cut -d. -f1 /proc/uptime) - begin)) s"
	untree m$who
done
diff -r -U0 /job/out/record-nspawn /job/out/record-ours | grep -v '^@@' | sed 's/^diff .*record-ours/--- of/; /^+++ /d; /^--- \/job/d' >/job/out/difference.txt
lines=$(grep -c '^[-+][^-]' /job/out/difference.txt)
unexplained=$(grep '^[-+][^-]' /job/out/difference.txt | grep -v -x -F -f /job/differences.txt | tee /job/out/unexplained.txt | wc -l)
{
	echo "## Beside systemd-nspawn $(systemctl --version | sed -n '1s/[^ ]* \([0-9]*\).*/\1/p')"
	echo
	echo "$lines lines differ (- nspawn, + ours), $unexplained of them unexplained:"
	echo
	echo '```'
	cat /job/out/difference.txt
	echo '```'
} >/job/out/nspawn.md
check "no difference is unexplained" [ -s /job/out/record-ours/mounts -a -s /job/out/record-nspawn/mounts -a "$unexplained" = 0 ]
finish 3
