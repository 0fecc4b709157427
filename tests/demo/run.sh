#!/bin/bash
# Shows on this machine what gspawn-oci does, with real input: `sudo make demo`.
#
# Everything lies in GSPAWN_DEMO_DIR (/var/tmp/gspawn-oci-demo); the Debian tree there is made once and kept.
# Containers live in a state directory of the demo's own and in cgroups below /gspawn-demo.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$PWD/bin/gspawn-oci

work=${GSPAWN_DEMO_DIR:-/var/tmp/gspawn-oci-demo}
state=$work/state
oci() { "$program" --root "$state" "$@" 9>&-; }

# say TITLE, show COMMAND...: the command line as a user would type it, then what it prints.
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() {
	printf '\033[32m$ %s\033[0m\n' "$*"
	local rc=0
	if [ "$1" = gspawn-oci ]; then oci "${@:2}" || rc=$?; else "$@" || rc=$?; fi
	[ "$rc" -eq 0 ] || printf '(exit code %s)\n' "$rc"
	return "$rc"
}
fail() {
	echo "demo: $*" >&2
	exit 1
}

main() {
	[ "$(id -u)" -eq 0 ] || fail "needs root: sudo make demo"
	mkdir -p "$work"
	exec 9>"$work/lock"
	flock -n 9 || fail "another demo runs in $work; GSPAWN_DEMO_DIR names another place"
	cleanup
	trap cleanup EXIT
	# The three that need no tree come first: they take a second.
	by_hand
	lifecycle
	real_tree
	imported_tree
	imported_image
	boot
	rm -r "$work/booted"
	show gspawn-oci import --quiet --boot=yes "$work/tree" "$work/booted"
	boot_detached
	say "done; what was made lies in $work"
}

cleanup() {
	local id
	for id in $(oci list -q 2>/dev/null || true); do oci delete --force "$id" || true; done
	rm -rf "$state" "$work/hello" "$work/box" "$work/app" "$work/booted" "$work/app.tar" "$work/image"
}

# configure BUNDLE COMMAND: the config.json that `gspawn-oci spec` writes, with a command and without a terminal.
configure() {
	local bundle=$1 command=$2
	(cd "$bundle" && rm -f config.json && oci spec)
	# The command goes in as a JSON string and through sed: none of " \\ | and the ampersand.
	sed -i -e 's/"terminal": true/"terminal": false/' \
		-e "s|^[[:space:]]*\"sh\"\$|\"/bin/sh\", \"-c\", \"$command\"|" \
		-e "s|\"linux\": {|\"linux\": { \"cgroupsPath\": \"/gspawn-demo/$(basename "$bundle")\",|" "$bundle/config.json"
}

by_hand() {
	say "a bundle by hand: a static busybox and the config.json that \`gspawn-oci spec\` writes"
	mkdir -p "$work/hello/rootfs/bin"
	cp /bin/busybox "$work/hello/rootfs/bin/"
	ln -sf busybox "$work/hello/rootfs/bin/sh"
	configure "$work/hello" 'busybox echo hello from process $$ on $(busybox hostname)'
	printf '\033[32m$ gspawn-oci plan %s | head -n 12\033[0m\n' "$work/hello"
	oci plan "$work/hello" | sed -n 1,12p
	show gspawn-oci run "$work/hello"
}

lifecycle() {
	say "as an engine drives it: create, state, start, exec, kill, delete"
	configure "$work/hello" 'trap : TERM; busybox sleep 60'
	show gspawn-oci create --bundle "$work/hello" demo
	show gspawn-oci state demo
	show gspawn-oci start demo
	show gspawn-oci exec demo /bin/busybox ps
	show gspawn-oci list
	show gspawn-oci kill demo KILL
	until [ "$(oci state demo | sed -n 's/.*"status": "\(.*\)".*/\1/p')" = stopped ]; do sleep 0.05; done
	show gspawn-oci delete demo
	show gspawn-oci state demo || true # it is gone
}

# make_tree makes a Debian with an init in it from the package source that this machine uses itself.
make_tree() {
	local source suite packages=systemd,systemd-sysv,dbus,login
	[ "$(cat "$work/tree.complete" 2>/dev/null)" = "$packages" ] && return
	source=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | grep '/debian/* ' | head -n 1)
	suite=${source#* } source=${source% *}
	[ -n "$source" ] || fail "apt knows no Debian package source"
	# shellcheck disable=SC2155
	export http_proxy=${http_proxy:-$(apt-config dump --format '%v' Acquire::http::Proxy)}
	[ -n "$http_proxy" ] || unset http_proxy
	rm -rf "$work/tree"
	echo "$ debootstrap --variant=minbase --include=$packages $suite $work/tree $source"
	debootstrap --variant=minbase --include="$packages" "$suite" "$work/tree" "$source" >"$work/debootstrap.log" 2>&1 || {
		tail -n 20 "$work/debootstrap.log" >&2
		fail "debootstrap failed; its log is $work/debootstrap.log"
	}
	chroot "$work/tree" passwd --delete root >/dev/null # a login without a password, for the demonstration
	echo "$packages" >"$work/tree.complete"
}

real_tree() {
	say "a real system: a Debian tree by debootstrap (about a minute the first time, 250 MB in $work)"
	make_tree
	mkdir -p "$work/box"
	configure "$work/box" 'head -n 3 /etc/os-release; id; ls -l /proc/1/exe'
	sed -i "s|\"path\": \"rootfs\"|\"path\": \"$work/tree\"|" "$work/box/config.json"
	show gspawn-oci run "$work/box"
	rm -rf "$work/box"
}

imported_tree() {
	say "the same tree by gspawn-oci import: used in place, no config.json to write"
	show gspawn-oci import --boot=no "$work/tree" "$work/box" -- /bin/sh -c 'head -n 1 /etc/os-release; id; hostname'
	show gspawn-oci run "$work/box"
}

# make_image writes what `docker save` writes: a tarball of manifest, configuration and one layer.
make_image() {
	local layer=$work/image/layer
	mkdir -p "$layer/bin" "$layer/etc"
	cp /bin/busybox "$layer/bin/"
	printf 'app:x:1000:1000::/:/bin/sh\n' >"$layer/etc/passwd"
	printf '#!/bin/busybox sh\nbusybox echo "the application runs as $(busybox id -un), GREETING=$GREETING, arguments: $*"\n' >"$layer/bin/app"
	chmod 755 "$layer/bin/app"
	tar -C "$layer" --owner=0 --group=0 -cf "$work/image/layer.tar" .
	rm -r "$layer"
	local diff config
	diff=$(sha256sum <"$work/image/layer.tar" | cut -d' ' -f1)
	printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/bin/app"],"Cmd":["one","two"],"User":"app","Env":["PATH=/bin","GREETING=hello"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(dpkg --print-architecture)" "$diff" >"$work/image/config.json"
	config=$(sha256sum <"$work/image/config.json" | cut -d' ' -f1)
	mv "$work/image/config.json" "$work/image/$config.json"
	printf '[{"Config":"%s.json","RepoTags":["demo/app:1"],"Layers":["layer.tar"]}]' "$config" >"$work/image/manifest.json"
	tar -C "$work/image" -cf "$work/app.tar" manifest.json "$config.json" layer.tar
}

imported_image() {
	say "an application image as docker save writes it"
	make_image
	show gspawn-oci import "$work/app.tar" "$work/app"
	show gspawn-oci run "$work/app"
}

boot() {
	say "the same tree booted on the terminal: systemd as process 1, a login, a power-off inside"
	show gspawn-oci import --quiet --boot=yes --terminal "$work/tree" "$work/booted"
	printf '\033[32m$ gspawn-oci run %s\033[0m\n' "$work/booted"
	local rc=0
	tests/demo/login.exp "$program" --root "$state" run "$work/booted" 9>&- || rc=$?
	[ "$rc" -eq 0 ] || fail "the system was to end with 0 and ended with $rc"
	[ -z "$(oci list -q)" ] || fail "a container is left: $(oci list)"
}

boot_detached() {
	say "and without a terminal: asked from outside, stopped as an engine stops it"
	show gspawn-oci run --detach "$work/booted"
	local i answer=''
	for i in $(seq 1 120); do # systemd needs a moment until it can be asked, a slow machine a long one
		answer=$(oci exec booted systemctl is-system-running 2>/dev/null) || true
		case $answer in running | degraded) break ;; esac
		sleep 0.5
	done
	echo "systemctl is-system-running: ${answer:-no answer}"
	[ "$answer" = running ] || fail "the system is not running"
	show gspawn-oci exec booted systemctl --no-pager --no-legend list-units --type=service --state=running
	show gspawn-oci kill booted SIGRTMIN+3
	for i in $(seq 1 120); do
		[ "$(oci state booted | sed -n 's/.*"status": "\(.*\)".*/\1/p')" = stopped ] && break
		sleep 0.25
	done
	show gspawn-oci delete booted
}

main
