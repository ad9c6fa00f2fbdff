package backup

import (
	"encoding/json"
	"fmt"
	"time"

	"nightshift/internal/fleet"
)

// manifestVersion is the version of manifests that Encode writes.
const manifestVersion = 1

// Manifest is what a restore needs to know of a set and no snapshot carries: the types,
// rates and places of the volumes, and what the instance was. It is written before the
// copies are asked for, so that every set has one.
type Manifest struct {
	Version     int          `json:"version"`
	Set         SetID        `json:"set"`
	Target      fleet.Target `json:"target"`
	Policy      PolicyID     `json:"policy"`
	Slot        time.Time    `json:"slot"`
	Written     time.Time    `json:"written"`
	Keep        string       `json:"keep,omitempty"`
	Single      bool         `json:"single,omitempty"`
	NoRoot      bool         `json:"no_root,omitempty"`
	Consistency string       `json:"consistency"` // "stopped" or "crash"
	// Instance is nil for a volume that is attached to none. It is the one that the set
	// is of, or the only one that the volume is attached to.
	Instance *ManifestInstance `json:"instance,omitempty"`
	Volumes  []ManifestVolume  `json:"volumes"`
	Excluded []fleet.VolumeID  `json:"excluded,omitempty"`
	// LeftTags are keys of tags of the source that the copies do not carry.
	LeftTags []string `json:"left_tags,omitempty"`
}

// ManifestInstance is an instance as it was.
type ManifestInstance struct {
	ID              fleet.ResourceID   `json:"id"`
	Type            fleet.InstanceType `json:"type"`
	Zone            fleet.Zone         `json:"zone"`
	State           fleet.State        `json:"state"`
	Platform        string             `json:"platform,omitempty"`
	UsageOperation  string             `json:"usage_operation,omitempty"`
	ProductCodes    []string           `json:"product_codes,omitempty"`
	Tenancy         string             `json:"tenancy,omitempty"`
	Lifecycle       fleet.Lifecycle    `json:"lifecycle,omitempty"`
	Cores           int                `json:"cores,omitempty"`
	ThreadsPerCore  int                `json:"threads_per_core,omitempty"`
	RootDevice      string             `json:"root_device,omitempty"`
	Hibernates      bool               `json:"hibernates,omitempty"`
	DetailedMetrics bool               `json:"detailed_monitoring,omitempty"`
	PublicIPs       []string           `json:"public_ips,omitempty"`
	Launch          ManifestLaunch     `json:"launch"`
	Tags            fleet.Tags         `json:"tags,omitempty"`
}

// ManifestLaunch is what the instance would have to be launched with again, as fleet.Launch
// has it.
type ManifestLaunch struct {
	Image           string   `json:"image,omitempty"`
	KeyPair         string   `json:"key_pair,omitempty"`
	Profile         string   `json:"instance_profile,omitempty"`
	VPC             string   `json:"vpc,omitempty"`
	Subnet          string   `json:"subnet,omitempty"`
	SecurityGroups  []string `json:"security_groups,omitempty"`
	PrivateIP       string   `json:"private_ip,omitempty"`
	Architecture    string   `json:"architecture,omitempty"`
	Virtualization  string   `json:"virtualization,omitempty"`
	BootMode        string   `json:"boot_mode,omitempty"`
	CurrentBootMode string   `json:"current_boot_mode,omitempty"`
	TPM             string   `json:"tpm,omitempty"`
	SRIOV           string   `json:"sriov,omitempty"`
	ENA             bool     `json:"ena,omitempty"`
	EBSOptimized    bool     `json:"ebs_optimized,omitempty"`
	Tokens          string   `json:"metadata_tokens,omitempty"`
}

// ManifestVolume is a volume as it was.
type ManifestVolume struct {
	ID              fleet.VolumeID   `json:"id"`
	Type            fleet.VolumeType `json:"type"`
	SizeGiB         int64            `json:"size_gib"`
	IOPS            int64            `json:"iops,omitempty"`
	ThroughputMiBps int64            `json:"throughput_mibps,omitempty"`
	Zone            fleet.Zone       `json:"zone"`
	Encrypted       bool             `json:"encrypted,omitempty"`
	Key             string           `json:"kms_key,omitempty"`
	MultiAttach     bool             `json:"multi_attach,omitempty"`
	// Device and DeleteOnTermination are those on Instance, Root says that it is its
	// root volume.
	Device              string     `json:"device,omitempty"`
	DeleteOnTermination bool       `json:"delete_on_termination,omitempty"`
	Root                bool       `json:"root,omitempty"`
	Tags                fleet.Tags `json:"tags,omitempty"`
}

// ManifestKey is where the manifest of a set lies.
func ManifestKey(set SetID) string { return fmt.Sprintf("backup/manifests/%s.json", set) }

// NewManifest describes what a Create of a plan of the inventory copies.
func NewManifest(inv Inventory, p Policy, c Create, at time.Time) Manifest {
	return newEstate(inv).manifest(p, c, at)
}

func (e *estate) manifest(p Policy, c Create, at time.Time) Manifest {
	m := Manifest{
		Version: manifestVersion, Set: NewSetID(Chain{c.Policy, c.Resource}, c.Slot, len(c.Volumes), c.Single), Target: e.Target,
		Policy: c.Policy, Slot: c.Slot.UTC(), Written: at.UTC().Truncate(time.Second), Keep: p.Keep.String(),
		Single: c.Single, NoRoot: c.NoRoot, Consistency: c.Consistency,
	}
	source, instance := fleet.Tags{}, e.instances[c.Resource]
	if instance != nil {
		source = instance.Tags
	} else if len(c.Volumes) == 1 {
		if v := e.volumes[c.Volumes[0]]; v != nil {
			source = v.Tags
			if on := attachedTo(v); len(on) == 1 {
				instance = e.instances[on[0]]
			}
		}
	}
	_, m.LeftTags = TagsFor(p, m.Set, at, source)
	if instance != nil {
		m.Instance = manifestInstance(instance)
	}
	for _, id := range c.Volumes {
		m.Volumes = append(m.Volumes, manifestVolume(id, e.volumes[id], instance))
	}
	for _, excluded := range c.Excluded {
		m.Excluded = append(m.Excluded, excluded.Volume)
	}
	return m
}

func manifestInstance(i *fleet.Instance) *ManifestInstance {
	return &ManifestInstance{
		ID: i.ID, Type: i.Type, Zone: i.Zone, State: i.State, Platform: i.PlatformDetails, UsageOperation: i.UsageOperation,
		ProductCodes: i.ProductCodes, Tenancy: i.Tenancy, Lifecycle: i.Lifecycle, Cores: i.Cores, ThreadsPerCore: i.ThreadsPerCore,
		RootDevice: i.RootDevice, Hibernates: i.Hibernates, DetailedMetrics: i.Detailed, PublicIPs: i.PublicIPs, Launch: ManifestLaunch(i.Launch), Tags: i.Tags,
	}
}

func manifestVolume(id fleet.VolumeID, v *fleet.Volume, on *fleet.Instance) ManifestVolume {
	if v == nil {
		return ManifestVolume{ID: id}
	}
	m := ManifestVolume{
		ID: id, Type: v.Type, SizeGiB: v.SizeGiB, IOPS: v.IOPS, ThroughputMiBps: v.ThroughputMiBps, Zone: v.Zone,
		Encrypted: v.Encrypted, Key: v.Key, MultiAttach: v.MultiAttach, Tags: v.Tags,
	}
	for _, a := range v.Attachments {
		if on != nil && a.Instance == on.ID {
			m.Device, m.DeleteOnTermination, m.Root = a.Device, a.DeleteOnTermination, isRoot(v, on)
		}
	}
	return m
}

// Encode gives the manifest as it is stored.
func (m Manifest) Encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(body, '\n'), nil
}

// ParseManifest reads what Encode gives. What is damaged, or was written by a newer
// nightshift, is fleet.ErrInvalid.
func ParseManifest(body []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return Manifest{}, fleet.Errorf(fleet.ErrInvalid, "the manifest is damaged: %w", err)
	}
	switch _, _, _, _, ok := m.Set.Read(); {
	case m.Version > manifestVersion:
		return Manifest{}, fleet.Errorf(fleet.ErrInvalid, "the manifest was written by a newer nightshift (version %d)", m.Version)
	case m.Version < 1 || !ok:
		return Manifest{}, fleet.Errorf(fleet.ErrInvalid, "the manifest names no set")
	}
	return m, nil
}
