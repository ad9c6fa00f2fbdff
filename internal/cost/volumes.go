package cost

import (
	"fmt"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// partKey names one distinct EBS price.
type partKey struct {
	region    fleet.Region
	dimension string
}

// priceVolume prices one volume and counts the use of each price.
func (b *builder) priceVolume(v *Volume) {
	listed := b.rates[v.Target.Region]
	c := price.VolumePrice(v.Volume, listed.Rates)
	v.Status, v.Note = c.Status, c.Note
	if listed.err != nil && c.Status == price.Missing {
		v.Note = "the price list could not be read: " + listed.err.Error()
	}
	v.Parts = make([]Part, len(c.Parts))
	for n, part := range c.Parts {
		v.Parts[n] = Part{Price: b.rate("volume", v.Target.Region, part.Dimension), Quantity: part.Quantity, Unit: part.Unit, USD: part.USD}
	}
	if !c.Status.Usable() {
		return
	}
	v.Monthly = Known(c.USD)
	num, den := b.month.Share(v.Created)
	v.ToDate = Known(c.USD.Times(num, den))
	v.Forecast = b.toTheEnd(v.ToDate, v.Monthly)
}

// toTheEnd adds to what something has cost this month so far what it costs from
// now to the end of the month, at so much a month.
func (b *builder) toTheEnd(toDate, monthly Amount) Amount {
	if !monthly.Known {
		return Amount{}
	}
	m := b.month
	return toDate.Plus(Known(monthly.USD.Times(Seconds(m.End.Sub(m.Now)), Seconds(m.End.Sub(m.Start)))))
}

// attach puts the volumes of a target on the rows of its instances. A volume
// that several instances share is shown on each of them, but its cost is on
// one row only, so that nothing is counted twice.
func (s *targetData) attach() {
	rows := make(map[fleet.ResourceID]*Instance, len(s.instances))
	for _, i := range s.instances {
		rows[i.ID] = i
		i.EBS, i.EBSToDate, i.EBSForecast = Known(0), Known(0), Known(0)
		if s.volumesErr != nil {
			i.EBS, i.EBSToDate, i.EBSForecast = Amount{}, Amount{}, Amount{}
			i.EBSStatus, i.EBSNote = price.Missing, "the volumes could not be read: "+s.volumesErr.Error()
		}
	}
	for _, v := range s.volumes {
		for _, id := range v.AttachedTo {
			i := rows[id]
			if i == nil {
				continue
			}
			i.VolumeGiB += v.SizeGiB
			i.Attached = append(i.Attached, VolumeShape{v.Type, v.SizeGiB})
			if v.BilledTo != "" {
				i.EBSNote = join(i.EBSNote, fmt.Sprintf("%s is shared; its cost stands at %s", v.ID, v.BilledTo))
				continue
			}
			v.BilledTo = id
			i.EBS, i.EBSToDate, i.EBSForecast = i.EBS.Plus(v.Monthly), i.EBSToDate.Plus(v.ToDate), i.EBSForecast.Plus(v.Forecast)
			if i.EBSStatus == "" {
				i.EBSStatus = v.Status
			}
			i.EBSStatus = price.Worst(i.EBSStatus, v.Status)
			if v.Note != "" && !strings.Contains(i.EBSNote, v.Note) {
				i.EBSNote = join(i.EBSNote, v.Note)
			}
		}
	}
}

// summarize adds up volumes by type, in the order in which the types appear on
// the instances' rows; types that appear on none follow.
func summarize(r Report) []TypeSummary {
	var types []TypeSummary
	index := map[fleet.VolumeType]int{}
	at := func(t fleet.VolumeType) *TypeSummary {
		n, ok := index[t]
		if !ok {
			n = len(types)
			index[t] = n
			types = append(types, TypeSummary{Type: t})
		}
		return &types[n]
	}
	for _, i := range r.Instances {
		for _, v := range i.Attached {
			at(v.Type)
		}
	}
	for _, v := range r.Volumes {
		t := at(v.Type)
		switch {
		case v.BilledTo != "":
			t.Attached.add(v)
		case v.Unattached():
			t.Unattached.add(v)
		default:
			t.Other.add(v)
		}
	}
	return types
}

func (s *VolumeSum) add(v *Volume) {
	s.Count++
	s.GiB += v.SizeGiB
	if !v.Monthly.Known {
		s.Unpriced++
	}
	s.Monthly = s.Monthly.Add(v.Monthly.USD)
}

// totals adds up the targets, and all of them in a last row.
func totals(r Report) []Total {
	sums := make([]Total, len(r.Targets)+1)
	index := map[fleet.Target]int{}
	for n, target := range r.Targets {
		sums[n].Target = target
		index[target] = n
	}
	both := func(target fleet.Target, add func(*Total)) {
		if n, ok := index[target]; ok {
			add(&sums[n])
		}
		add(&sums[len(r.Targets)])
	}
	for _, i := range r.Instances {
		both(i.Target, func(t *Total) { t.addInstance(i) })
	}
	for _, v := range r.Volumes {
		both(v.Target, func(t *Total) { t.addVolume(v) })
	}
	for _, l := range r.Lines {
		both(l.Target, func(t *Total) { t.addLine(l) })
	}
	return sums
}

func (t *Total) addInstance(i *Instance) {
	t.Instances++
	if i.State == fleet.Running {
		t.Running++
	}
	if !i.PriceStatus.Usable() {
		t.Unpriced++
	}
	ec2 := i.EC2().USD
	t.EC2 = t.EC2.Add(ec2)
	t.EC2AtLeast = t.EC2AtLeast.Add(i.EC2AtLeast().USD)
	t.TotalToDate = t.TotalToDate.Add(ec2)
	t.TotalAtMost = t.TotalAtMost.Add(i.EC2AtMost().USD)
	t.RunRate = t.RunRate.Add(i.RunRate().USD)
	t.Forecast = t.Forecast.Add(i.EC2Forecast().USD)
}

func (t *Total) addVolume(v *Volume) {
	t.Volumes++
	if !v.Status.Usable() {
		t.Unpriced++
	}
	switch {
	case v.BilledTo != "":
		t.EBS = t.EBS.Add(v.Monthly.USD)
	case v.Unattached():
		t.EBSUnattached = t.EBSUnattached.Add(v.Monthly.USD)
	default:
		t.EBSOther = t.EBSOther.Add(v.Monthly.USD)
	}
	t.EBSToDate = t.EBSToDate.Add(v.ToDate.USD)
	t.TotalToDate = t.TotalToDate.Add(v.ToDate.USD)
	t.TotalAtMost = t.TotalAtMost.Add(v.ToDate.USD)
	t.RunRate = t.RunRate.Add(v.Monthly.USD)
	t.Forecast = t.Forecast.Add(v.Forecast.USD)
}

func (t *Total) addLine(l *Line) {
	t.Lines++
	if !l.Status.Usable() {
		t.Unpriced++
	}
	t.Other = t.Other.Add(l.Monthly.USD)
	t.OtherToDate = t.OtherToDate.Add(l.ToDate.USD)
	t.TotalToDate = t.TotalToDate.Add(l.ToDate.USD)
	t.TotalAtMost = t.TotalAtMost.Add(l.ToDate.USD)
	t.RunRate = t.RunRate.Add(l.Monthly.USD)
	t.Forecast = t.Forecast.Add(l.Forecast.USD)
}
