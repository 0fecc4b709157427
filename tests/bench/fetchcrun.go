package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
)

// crunPackages are crun of Debian 13 and the libraries it is linked with.
var crunPackages = []string{"crun", "libc6", "libcap2", "libseccomp2", "libsystemd0", "libyajl2"}

const debian13 = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n"

// fetchCrun downloads crun of Debian 13 with apt into the user's cache directory, once, and unpacks it beside the
// machine's own packages, which stay as they are. It returns the command and how it came about. apt checks the
// archive's signature and the packages' sums.
func fetchCrun() (command []string, note string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "/var/cache"
	}
	dir := filepath.Join(envOr("GSPAWN_BENCH_CACHE", filepath.Join(cache, "gspawn-bench")), "crun-trixie")
	root := filepath.Join(dir, "root")
	if _, err := os.Stat(filepath.Join(root, "usr/bin/crun")); err != nil {
		if err := unpackPackages(dir, root); err != nil {
			return nil, "", fmt.Errorf("fetch crun of Debian 13: %w", err)
		}
	}
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[goruntime.GOARCH]
	loader := map[string]string{"amd64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}[goruntime.GOARCH]
	libs := filepath.Join(root, "usr/lib", triplet)
	crun := filepath.Join(root, "usr/bin/crun")
	if patchelf, err := exec.LookPath("patchelf"); err == nil {
		patched := filepath.Join(dir, "crun")
		// --force-rpath: the libraries' own libraries are looked up there as well.
		out, err := exec.Command(patchelf, "--force-rpath", "--set-rpath", libs, "--set-interpreter",
			filepath.Join(libs, loader), "--output", patched, crun).CombinedOutput()
		if err == nil {
			return []string{patched}, "Debian 13's package; its interpreter and library path rewritten by patchelf, nothing added to its start", nil
		}
		fmt.Printf("patchelf: %v: %s\n", err, out)
	}
	return []string{filepath.Join(libs, loader), "--library-path", libs, crun},
		"Debian 13's package, started through its own ld.so (no patchelf here), which costs it one execve less and a little more mapping", nil
}

// unpackPackages asks apt with a source list and package lists of its own.
func unpackPackages(dir, root string) error {
	for _, d := range []string{"lists/partial", "archives/partial", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	sources := filepath.Join(dir, "sources.list")
	if err := os.WriteFile(sources, []byte(debian13), 0o644); err != nil {
		return err
	}
	options := []string{
		"-o", "Dir::Etc::SourceList=" + sources, "-o", "Dir::Etc::SourceParts=/dev/null",
		"-o", "Dir::State::Lists=" + filepath.Join(dir, "lists"), "-o", "Dir::Cache=" + dir,
		"-o", "Dir::Cache::Archives=" + filepath.Join(dir, "archives"), "-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Languages=none", "-o", "APT::Default-Release=",
	}
	if err := run(dir, "apt-get", append(options, "-q", "update")...); err != nil {
		return err
	}
	if err := run(dir, "apt-get", append(append(options, "-q", "download"), crunPackages...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(debs) < len(crunPackages) {
		return fmt.Errorf("apt-get download brought %d of %d packages", len(debs), len(crunPackages))
	}
	for _, deb := range debs {
		if err := run(dir, "dpkg-deb", "-x", deb, root); err != nil {
			return err
		}
	}
	return nil
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args[len(args)-1], err, out)
	}
	return nil
}
