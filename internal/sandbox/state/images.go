package state

import (
	"slices"
	"time"
)

// Image is an AMI.
type Image struct {
	Seq          uint64
	ID           string
	Owner        string // account id
	Name         string
	Description  string
	System       System
	Architecture string // x86_64 or arm64
	Created      time.Time
	Deprecated   time.Time // from when on; zero: it is not
	Disabled     bool
	Public       bool
	Source       string   // the instance that it was made of, if any
	Products     []string // product codes of AWS Marketplace
	Disks        []ImageDisk
	Tags         Tags
}

// ImageDisk is a volume that an image or a launch template makes of a snapshot.
type ImageDisk struct {
	Device    string
	Snapshot  string
	SizeGiB   int64
	Type      string
	Encrypted bool
}

// LaunchTemplate is a launch template of EC2 with its versions, the first being 1.
type LaunchTemplate struct {
	Seq      uint64
	ID       string
	Name     string
	Created  time.Time
	Default  int // number of the default version
	Versions []TemplateVersion
	Tags     Tags
}

// TemplateVersion is one version of a launch template.
type TemplateVersion struct {
	Description string
	Created     time.Time
	Image, Type string
	Disks       []ImageDisk
}

// systemImages are the images of AWS that RunInstances knows.
func systemImages() []*Image {
	var list []*Image
	for n, s := range Systems() {
		snapshot := imageSnapshots()[n]
		list = append(list, &Image{
			Seq: uint64(n) + 1, ID: s.image, Owner: imageOwner, Name: "practice-" + s.Name, Description: s.PlatformDetails, System: s,
			Architecture: "x86_64", Created: snapshot.Finished, Public: true,
			Disks: []ImageDisk{{Device: s.RootDevice, Snapshot: snapshot.ID, SizeGiB: s.RootGiB, Type: "gp3"}},
		})
	}
	return list
}

// AddImage puts an image of the region's owner into the region.
func (r *Region) AddImage(i Image) *Image {
	i.Seq, i.Owner = 1<<32|r.NextSeq(), r.Owner
	r.Other.Images = append(r.Other.Images, &i)
	return &i
}

// Images are those that the region's owner can see, those of AWS first.
func (r *Region) Images() []*Image { return slices.Concat(systemImages(), r.Other.Images) }

// AddLaunchTemplate puts a launch template into the region.
func (r *Region) AddLaunchTemplate(t LaunchTemplate) *LaunchTemplate {
	t.Seq = r.NextSeq()
	r.Other.LaunchTemplates = append(r.Other.LaunchTemplates, &t)
	return &t
}
