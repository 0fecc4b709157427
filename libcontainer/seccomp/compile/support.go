//go:build linux

package compile

// Support is what libseccomp and the kernel can do, for `features`. The names are
// those of the OCI configuration.
type Support struct {
	// Version is libseccomp's ("2.5.4"), API its level (seccomp_api_get(3)).
	Version string `json:"libseccomp"`
	API     uint   `json:"apiLevel"`
	// Actions, Operators, Archs and KnownFlags are those that profiles may use;
	// SupportedFlags are those the running kernel takes.
	Actions        []string `json:"actions"`
	Operators      []string `json:"operators"`
	Archs          []string `json:"archs"`
	KnownFlags     []string `json:"knownFlags"`
	SupportedFlags []string `json:"supportedFlags"`
}
