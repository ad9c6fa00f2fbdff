package sandbox

import (
	"iter"
	"slices"
	"time"
)

// metric is one metric of one resource.
type metric struct {
	unit  string
	every time.Duration                          // between two samples
	runs  func(from, to time.Time) iter.Seq[run] // when there are samples
	value func(second int64) float64             // of the sample at that time
}

// metric is a metric of an instance. There are samples while it runs: one every
// five minutes, or every minute with detailed monitoring; status checks are
// always every minute, CPU credits never.
func (i *instance) metric(name string) (metric, bool) {
	h := mixText(23, i.id)
	m := metric{unit: "Count", every: 5 * time.Minute, runs: i.runs}
	if i.monitored {
		m.every = time.Minute
	}
	upTo := func(most float64) func(int64) float64 {
		return func(second int64) float64 { return most * share(mix(h, mixText(0, name), uint64(second/300))) }
	}
	switch name {
	case "CPUUtilization":
		m.unit, m.value = "Percent", upTo(60)
	case "NetworkIn", "NetworkOut":
		m.unit, m.value = "Bytes", upTo(5e6)
	case "NetworkPacketsIn", "NetworkPacketsOut":
		m.value = upTo(5000)
	case "StatusCheckFailed", "StatusCheckFailed_Instance", "StatusCheckFailed_System":
		m.every, m.value = time.Minute, func(int64) float64 { return 0 }
	case "CPUCreditUsage":
		m.every, m.value = 5*time.Minute, upTo(1)
	case "CPUSurplusCreditsCharged":
		m.every, m.value = 5*time.Minute, i.surplus
	default:
		return m, false
	}
	burstable := name == "CPUCreditUsage" || name == "CPUSurplusCreditsCharged"
	return m, !burstable || i.creditOption() != ""
}

// surplus is how many CPU credits are charged for the five minutes after a
// second. An instance that pays without limit works, in one hour of ten, half a
// credit per vCPU above what it earns.
func (i *instance) surplus(second int64) float64 {
	if i.creditOption() != creditsUnlimited || mix(mixText(29, i.id), uint64(second/3600))%10 != 0 {
		return 0
	}
	return float64(i.kind.VCPU) / 2
}

// metric is a metric of a volume. There are samples every minute while it is
// attached to an instance that runs.
func (v *volume) metric(name string) (metric, bool) {
	m := metric{unit: "Count", every: time.Minute, runs: v.used}
	switch name {
	case "VolumeReadOps":
		m.value = func(second int64) float64 { return float64(v.operations(second, 1)) }
	case "VolumeWriteOps":
		m.value = func(second int64) float64 { return float64(v.operations(second, 2)) }
	default:
		return m, false
	}
	return m, true
}

// operations is how many times a minute a volume is read (1) or written (2). It
// differs from hour to hour.
func (v *volume) operations(second int64, way uint64) int64 {
	return int64(mix(mixText(31, v.id), way, uint64(second/3600)) % 60)
}

// used lists when a volume was attached to an instance that ran. A volume of
// several instances counts with the first one.
func (v *volume) used(from, to time.Time) iter.Seq[run] {
	if len(v.attachments) == 0 {
		return slices.Values([]run(nil))
	}
	a := v.attachments[0]
	return a.instance.runs(later(from, a.since), to)
}

// datapoint is what is known of the samples in one period.
type datapoint struct {
	at              time.Time
	count           int64
	sum, least, top float64
}

func (p datapoint) stat(name string) float64 {
	switch name {
	case "SampleCount":
		return float64(p.count)
	case "Sum":
		return p.sum
	case "Minimum":
		return p.least
	case "Maximum":
		return p.top
	}
	return p.sum / float64(p.count)
}

// add joins what is known of more samples in the same period.
func (p *datapoint) add(q datapoint) {
	p.least, p.top = min(p.least, q.least), max(p.top, q.top)
	p.count += q.count
	p.sum += q.sum
}

// sample looks at the samples between two instants of a time in which there are
// any. They lie on whole multiples of the time between two.
func (m metric) sample(from, to time.Time, countOnly bool) datapoint {
	every := int64(m.every / time.Second)
	first, end := (from.Unix()+every-1)/every, (to.Unix()+every-1)/every // rounded up
	p := datapoint{count: end - first}
	if countOnly {
		return p
	}
	for n := first; n < end; n++ {
		v := m.value(n * every)
		if n == first {
			p.least, p.top = v, v
		}
		p.least, p.top = min(p.least, v), max(p.top, v)
		p.sum += v
	}
	return p
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
