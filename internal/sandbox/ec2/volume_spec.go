package ec2

import (
	"fmt"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// VolumeSpec reads what a volume is to be. One that is made from a snapshot has
// the snapshot's size unless it is to be larger.
func (c *ec2Call) volumeSpec(p *wire.Params, size string) (state.VolumeSpec, *wire.Error) {
	s := state.VolumeSpec{Type: p.Text("VolumeType"), Encrypted: p.Flag("Encrypted"), KMSKey: p.Text("KmsKeyId")}
	var err *wire.Error
	for name, into := range map[string]*int64{size: &s.SizeGiB, "Iops": &s.IOPS, "Throughput": &s.Throughput} {
		if *into, err = p.Number(name); err != nil {
			return s, err
		}
	}
	switch snapshot := p.Text("SnapshotId"); {
	case snapshot == "":
	case !wellFormed(snapshot, "snap-"):
		return s, checkSnapshotID(snapshot)
	default:
		from := c.Region.SnapshotNamed(snapshot)
		switch {
		case from == nil:
			return s, noSnapshot(snapshot)
		case from.Archived || from.Status(c.Now) != "completed":
			return s, wire.Invalid("IncorrectState", "The snapshot '"+snapshot+"' is not in a state from which volumes can be made.")
		case s.SizeGiB == 0:
			s.SizeGiB = from.SizeGiB
		case s.SizeGiB < from.SizeGiB:
			return s, wire.Invalid("InvalidParameterValue", fmt.Sprintf("Volume of %dGiB is smaller than snapshot '%s', expect size >= %dGiB", s.SizeGiB, snapshot, from.SizeGiB))
		}
		s.Snapshot, s.Encrypted = snapshot, s.Encrypted || from.Encrypted
	}
	return s, nil
}

// completed completes a specification or refuses it.
func completed(s *state.VolumeSpec) *wire.Error {
	if err := s.Complete(); err != nil {
		return wire.Invalid(err.Code, err.Message)
	}
	return nil
}
