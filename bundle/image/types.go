package image

import "time"

// The documents of the image specification, as far as they are used. The specification's own Go package is not
// imported: it compiles regular expressions when the program starts, which every container would pay for.

// Config is an image's configuration (image-spec config.md).
type Config struct {
	Created      *time.Time    `json:"created"`
	Author       string        `json:"author"`
	Architecture string        `json:"architecture"`
	Variant      string        `json:"variant"`
	OS           string        `json:"os"`
	OSVersion    string        `json:"os.version"`
	OSFeatures   []string      `json:"os.features"`
	Config       ProcessConfig `json:"config"`
	RootFS       struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// ProcessConfig is how a container of the image is to be run.
type ProcessConfig struct {
	User         string              `json:"User"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts"`
	Env          []string            `json:"Env"`
	Entrypoint   []string            `json:"Entrypoint"`
	Cmd          []string            `json:"Cmd"`
	Volumes      map[string]struct{} `json:"Volumes"`
	WorkingDir   string              `json:"WorkingDir"`
	Labels       map[string]string   `json:"Labels"`
	StopSignal   string              `json:"StopSignal"`
}

// Platform is what a manifest is for.
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

// descriptor points to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls"`
	Annotations map[string]string `json:"annotations"`
	Platform    *Platform         `json:"platform"`
}

// manifest lists an image's blobs.
type manifest struct {
	Config descriptor   `json:"config"`
	Layers []descriptor `json:"layers"`
}
