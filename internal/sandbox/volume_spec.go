package sandbox

import (
	"fmt"
)

// volumeSpec reads what a volume is to be. One that is made from a snapshot has
// the snapshot's size unless it is to be larger.
func (c *ec2Call) volumeSpec(p *params, size string) (volumeSpec, *apiError) {
	s := volumeSpec{kind: p.text("VolumeType"), encrypted: p.flag("Encrypted"), key: p.text("KmsKeyId")}
	var err *apiError
	for name, into := range map[string]*int64{size: &s.gib, "Iops": &s.iops, "Throughput": &s.throughput} {
		if *into, err = p.number(name); err != nil {
			return s, err
		}
	}
	switch snapshot := p.text("SnapshotId"); {
	case snapshot == "":
	case !wellFormed(snapshot, "snap-"):
		return s, invalid("InvalidParameterValue", "Value ("+snapshot+") for parameter snapshotId is invalid. Expected: 'snap-...'.")
	default:
		from := c.region.snapshotNamed(snapshot)
		switch {
		case from == nil:
			return s, noSnapshot(snapshot)
		case from.archived || from.status(c.now) != "completed":
			return s, invalid("IncorrectState", "The snapshot '"+snapshot+"' is not in a state from which volumes can be made.")
		case s.gib == 0:
			s.gib = from.gib
		case s.gib < from.gib:
			return s, invalid("InvalidParameterValue", fmt.Sprintf("Volume of %dGiB is smaller than snapshot '%s', expect size >= %dGiB", s.gib, snapshot, from.gib))
		}
		s.snapshot, s.encrypted = snapshot, s.encrypted || from.encrypted
	}
	return s, nil
}

// completed completes a specification or refuses it.
func completed(s *volumeSpec) *apiError {
	if err := s.complete(); err != nil {
		return invalid(err.code, err.message)
	}
	return nil
}
