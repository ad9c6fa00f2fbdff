package ec2

import (
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// snapshotARN names snapshots in policies, where they have no account.
func snapshotARN(r *state.Region, id string) string {
	return "arn:aws:ec2:" + r.Name + "::snapshot/" + id
}

// authorizeSnapshots asks for permission to make snapshots: on the instance and on
// each volume, which have tags, and on the snapshots, which have none yet but those of
// the request.
func (c *ec2Call) authorizeSnapshots(n newSnapshots) *wire.Error {
	if n.instance != nil {
		if err := c.authorize(c.Region.ARN("instance", n.instance.ID), n.instance.Tags, nil); err != nil {
			return err
		}
	}
	for _, v := range n.volumes {
		if err := c.authorize(c.Region.ARN("volume", v.ID), v.Tags, nil); err != nil {
			return err
		}
	}
	for _, v := range n.volumes {
		ts := n.tagsOf(v)
		ctx := policy.Context{
			RequestTags: ts, TagKeys: ts.Keys(), Region: c.Region.Name,
			Keys: map[string]string{"ec2:ParentVolume": c.Region.ARN("volume", v.ID)},
		}
		if err := c.Call.Authorize(snapshotARN(c.Region, "*"), &ctx); err != nil {
			return err
		}
		if len(ts) == 0 {
			continue
		}
		ctx.Keys = map[string]string{"ec2:CreateAction": c.Action}
		if err := c.AuthorizeTo("ec2:CreateTags", snapshotARN(c.Region, "*"), &ctx); err != nil {
			return err
		}
	}
	return nil
}

// authorizeSnapshot asks for the call's permission on a snapshot that is there.
func (c *ec2Call) authorizeSnapshot(s *state.Snapshot) *wire.Error {
	return c.Call.Authorize(snapshotARN(c.Region, s.ID), &policy.Context{
		ResourceTags: s.Tags, Region: c.Region.Name,
		Keys: map[string]string{"ec2:Owner": s.Owner, "ec2:ParentVolume": c.Region.ARN("volume", s.Volume)},
	})
}
