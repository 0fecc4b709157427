# systemd-nspawn and ours on the same tree: what each is like from inside, and the difference. It has to be what
# docs/boot.md lists and explains, no more and no less.
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
grep '^[-+][^-]' /job/out/difference.txt | sort >/tmp/found
awk '/^```diff/ { inside = 1; next } /^```/ { inside = 0 } inside' /job/boot.md | sort >/tmp/explained
lines=$(wc -l </tmp/found)
comm -23 /tmp/found /tmp/explained >/job/out/unexplained.txt
comm -13 /tmp/found /tmp/explained >/job/out/gone.txt
unexplained=$(wc -l </job/out/unexplained.txt)
gone=$(wc -l </job/out/gone.txt)
{
	echo "## Beside systemd-nspawn $(systemctl --version | sed -n '1s/[^ ]* \([0-9]*\).*/\1/p')"
	echo
	echo "$lines lines differ (- nspawn, + ours); $unexplained are not in docs/boot.md, and $gone of those in it did not appear."
	echo
	echo '```diff'
	cat /job/out/unexplained.txt
	sed 's/^/did not appear: /' /job/out/gone.txt
	echo '```'
} >/job/out/nspawn.md
check "the difference is the one that docs/boot.md explains" \
	[ -s /job/out/record-ours/mounts -a -s /job/out/record-nspawn/mounts -a "$unexplained" = 0 -a "$gone" = 0 ]
finish 3
