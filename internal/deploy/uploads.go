package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"

	"nightshift/internal/fleet"
)

// Upload is an object that is stored before the change set is executed.
type Upload struct {
	Key     string `json:"key"`
	Bytes   int64  `json:"bytes"`
	Code    bool   `json:"code,omitempty"`    // the packed binary
	Content []byte `json:"content,omitempty"` // of a file of the configuration
}

// Bytes is how much is uploaded, the program as it is before it is packed.
func (d Deployment) Bytes() int64 {
	var sum int64
	for _, u := range d.Uploads {
		sum += u.Bytes
	}
	return sum
}

// NewCode reports whether the program has to be uploaded.
func (d Deployment) NewCode() bool {
	return slices.ContainsFunc(d.Uploads, func(u Upload) bool { return u.Code })
}

// uploads are the objects that the artifact bucket does not have yet.
func (d Deployer) uploads(ctx context.Context, p *Deployment, r Request) error {
	there := map[string]bool{}
	objects, err := d.Artifacts.List(ctx, p.Bucket, p.Stack+"/")
	switch {
	case errors.Is(err, fleet.ErrNotFound) && r.Bucket != "":
		return fleet.Errorf(fleet.ErrInvalid, "there is no bucket %s, which deploy.artifact_bucket names: make it, or leave the key out", p.Bucket)
	case errors.Is(err, fleet.ErrNotFound):
		p.NewBucket = true
	case err != nil:
		return err
	}
	for _, o := range objects {
		there[o.Key] = true
	}
	add := func(u Upload) {
		if !there[u.Key] {
			p.Uploads = append(p.Uploads, u)
		}
	}
	add(Upload{Key: CodeKey(p.Stack, r.Binary.SHA256), Bytes: r.Binary.Bytes, Code: true})
	for _, name := range slices.Sorted(maps.Keys(r.Config)) {
		add(Upload{Key: ConfigPrefix(p.Stack, r.Config) + name, Bytes: int64(len(r.Config[name])), Content: r.Config[name]})
	}
	return nil
}
