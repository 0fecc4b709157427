package bundle

import (
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
)

// BootTemplate is what Import writes for a tree with an init, on a machine like this one and without options: the
// configuration of `systemd-nspawn --boot`, for the directory rootfs beside it.
func BootTemplate() (*specs.Spec, error) {
	o := new(SpecOptions)
	o.ForThisHost()
	p := *o.More
	p.Boot, p.Arch, p.Available = true, runtime.GOARCH, o.AllCapabilities
	p.Init = nspawn.Init{Path: "/sbin/init", Kind: nspawn.Systemd}
	return profile.Profile(p)
}

// AppTemplate is what Import writes for an application's image that says nothing about its process, which then is a
// shell, on a machine like this one and without options.
func AppTemplate() *specs.Spec {
	o := new(SpecOptions)
	o.ForThisHost()
	s := App()
	s.Process.Capabilities = appCaps(o, 0)
	return s
}
