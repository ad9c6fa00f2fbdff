package backup

// DefaultSnapshotQuota is how many snapshots an account can have in a region, as long as
// nobody has asked AWS for more.
const DefaultSnapshotQuota = 100_000

// quotaWarning is the share of a quota from which on there is a warning.
const quotaWarning = 0.8

// SnapshotQuota is how many snapshots there are in the region, of how many there can be.
// All of the account count, whoever made them and whatever their state. No copy can be
// made when the quota is reached.
type SnapshotQuota struct {
	Used  int `json:"used"`
	Limit int `json:"limit"`
	// Assumed is true where the limit could not be read: it is AWS's default, and may be
	// higher for the account.
	Assumed bool `json:"assumed"`
}

// High says whether so much is used that somebody should do something.
func (q SnapshotQuota) High() bool { return float64(q.Used) > quotaWarning*float64(q.Limit) }

// quota is nil where nobody knows how many snapshots there are.
func (c *coverer) quota() *SnapshotQuota {
	if c.estate.Unread[PartSnapshots] != nil {
		return nil
	}
	q := SnapshotQuota{Used: len(c.estate.Snapshots), Limit: c.estate.MostSnapshots}
	if q.Limit == 0 {
		q.Limit, q.Assumed = DefaultSnapshotQuota, true
	}
	return &q
}
