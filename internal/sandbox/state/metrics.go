package state

import (
	"iter"
	"slices"
	"time"

	"nightshift/internal/sandbox/random"
)

// Metric is one metric of one resource.
type Metric struct {
	Unit  string
	Every time.Duration                          // between two samples
	Runs  func(from, to time.Time) iter.Seq[Run] // when there are samples
	Value func(second int64) float64             // of the sample at that time
}

// Metric is a metric of an instance. There are samples while it runs: one every
// five minutes, or every minute with detailed monitoring; status checks are
// always every minute, CPU credits never.
func (i *Instance) Metric(name string) (Metric, bool) {
	h := random.HashText(23, i.ID)
	m := Metric{Unit: "Count", Every: 5 * time.Minute, Runs: i.Runs}
	if i.Monitored {
		m.Every = time.Minute
	}
	upTo := func(most float64) func(int64) float64 {
		return func(second int64) float64 {
			return most * random.Fraction(random.Hash(h, random.HashText(0, name), uint64(second/300)))
		}
	}
	switch name {
	case "CPUUtilization":
		m.Unit, m.Value = "Percent", upTo(60)
	case "NetworkIn", "NetworkOut":
		m.Unit, m.Value = "Bytes", upTo(5e6)
	case "NetworkPacketsIn", "NetworkPacketsOut":
		m.Value = upTo(5000)
	case "StatusCheckFailed", "StatusCheckFailed_Instance", "StatusCheckFailed_System":
		m.Every, m.Value = time.Minute, func(int64) float64 { return 0 }
	case "CPUCreditUsage":
		m.Every, m.Value = 5*time.Minute, upTo(1)
	case "CPUSurplusCreditsCharged":
		m.Every, m.Value = 5*time.Minute, i.surplus
	default:
		return m, false
	}
	burstable := name == "CPUCreditUsage" || name == "CPUSurplusCreditsCharged"
	return m, !burstable || i.CreditOption() != ""
}

// surplus is how many CPU credits are charged for the five minutes after a
// second. An instance that pays without limit works, in one hour of ten, half a
// credit per vCPU above what it earns.
func (i *Instance) surplus(second int64) float64 {
	if i.CreditOption() != CreditsUnlimited || random.Hash(random.HashText(29, i.ID), uint64(second/3600))%10 != 0 {
		return 0
	}
	return float64(i.Type.VCPU) / 2
}

// Metric is a metric of a volume. There are samples every minute while it is
// attached to an instance that runs.
func (v *Volume) Metric(name string) (Metric, bool) {
	m := Metric{Unit: "Count", Every: time.Minute, Runs: v.Used}
	switch name {
	case "VolumeReadOps":
		m.Value = func(second int64) float64 { return float64(v.Operations(second, 1)) }
	case "VolumeWriteOps":
		m.Value = func(second int64) float64 {
			if v.idle(time.Unix(second, 0)) {
				return 0
			}
			return float64(v.Operations(second, 2))
		}
		if len(v.Attachments) > 0 && v.Attachments[0].Instance.Type.Hypervisor == "xen" && !v.IdleSince.IsZero() {
			m.Runs = func(from, to time.Time) iter.Seq[Run] { return v.Used(from, Earlier(to, v.IdleSince)) } // only while it is written to
		}
	default:
		return m, false
	}
	return m, true
}

// Operations is how many times a minute a volume is read (1) or written (2). It
// differs from hour to hour.
func (v *Volume) Operations(second int64, way uint64) int64 {
	return int64(random.Hash(random.HashText(31, v.ID), way, uint64(second/3600)) % 60)
}

// idle says whether nothing is written to the volume at a time.
func (v *Volume) idle(at time.Time) bool { return !v.IdleSince.IsZero() && !at.Before(v.IdleSince) }

// Used lists when a volume was attached to an instance that ran. A volume of
// several instances counts with the first one.
func (v *Volume) Used(from, to time.Time) iter.Seq[Run] {
	if len(v.Attachments) == 0 {
		return slices.Values([]Run(nil))
	}
	a := v.Attachments[0]
	return a.Instance.Runs(Later(from, a.Since), to)
}

// Datapoint is what is known of the samples in one period.
type Datapoint struct {
	At              time.Time
	Count           int64
	sum, least, top float64
}

// Stat is one statistic of the period.
func (p Datapoint) Stat(name string) float64 {
	switch name {
	case "SampleCount":
		return float64(p.Count)
	case "Sum":
		return p.sum
	case "Minimum":
		return p.least
	case "Maximum":
		return p.top
	}
	return p.sum / float64(p.Count)
}

// Add joins what is known of more samples in the same period.
func (p *Datapoint) Add(q Datapoint) {
	p.least, p.top = min(p.least, q.least), max(p.top, q.top)
	p.Count += q.Count
	p.sum += q.sum
}

// Sample looks at the samples between two instants of a time in which there are
// any. They lie on whole multiples of the time between two.
func (m Metric) Sample(from, to time.Time, countOnly bool) Datapoint {
	every := int64(m.Every / time.Second)
	first, end := (from.Unix()+every-1)/every, (to.Unix()+every-1)/every // rounded up
	p := Datapoint{Count: end - first}
	if countOnly {
		return p
	}
	for n := first; n < end; n++ {
		v := m.Value(n * every)
		if n == first {
			p.least, p.top = v, v
		}
		p.least, p.top = min(p.least, v), max(p.top, v)
		p.sum += v
	}
	return p
}

// Later is the later of two times.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
