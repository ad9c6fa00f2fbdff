package state

import (
	"time"

	"nightshift/internal/sandbox/random"
)

// BlockBytes is the size of a block of a snapshot.
const BlockBytes = 512 << 10

// Block is a block of a snapshot. Two snapshots of a volume refer to the same stored
// block where the index and Written are the same.
type Block struct {
	Index   int64
	Written uint64 // which write of the block it holds; not 0
}

// BlockAt finds the block at an index; false where the snapshot has none there. Where the
// blocks were not set they are the first of the volume: one of 64 is written to every day,
// each of the others at its own interval, from 16 days to 2048. About 3 % of them change
// in a day.
func (s *Snapshot) BlockAt() func(index int64) (Block, bool) {
	if s.Blocks != nil {
		return func(index int64) (Block, bool) {
			written := s.Blocks[index]
			return Block{index, written}, written != 0
		}
	}
	volume := random.HashText(37, s.Volume)
	day := uint64(Earlier(s.Started, s.lastWrite()).Unix()) / uint64(Day/time.Second)
	return func(index int64) (Block, bool) {
		if index < 0 || index >= s.Full/BlockBytes {
			return Block{}, false
		}
		draw := random.Hash(volume, uint64(index))
		interval := uint64(1)
		if draw%64 != 0 {
			interval = 16 << (draw >> 8 % 8)
		}
		return Block{index, 1 + (day+draw>>16%interval)/interval}, true
	}
}

// lastWrite is when the volume was last written to before the snapshot.
func (s *Snapshot) lastWrite() time.Time {
	if s.LastWrite.IsZero() {
		return s.Started
	}
	return s.LastWrite
}

// EndOfBlocks is an index after all blocks.
func (s *Snapshot) EndOfBlocks() int64 {
	end := s.Full / BlockBytes
	for index := range s.Blocks {
		end = max(end, index+1)
	}
	return end
}

// SetBlocks gives the snapshot exactly these blocks, by their index. An empty map is a
// snapshot without any.
func (s *Snapshot) SetBlocks(written map[int64]uint64) {
	s.Blocks, s.Full = written, int64(len(written))*BlockBytes
}

// Related says whether two snapshots can be compared: they are of the same volume.
func (s *Snapshot) Related(other *Snapshot) bool {
	return s.Volume == other.Volume && (s.Volume != CopiedVolume || s.ID == other.ID)
}

// LastWrite is until when the volume was written to: now while its instance runs, else
// until it stopped. One that was never attached is written to at its creation.
func (v *Volume) LastWrite(now time.Time) time.Time {
	last := v.Created
	for run := range v.Used(v.Created, now) {
		last = run.To
	}
	return last
}
