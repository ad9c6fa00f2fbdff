package billing

import (
	"strings"
	"time"

	"nightshift/internal/sandbox/state"
)

// dimension is one thing that a volume is billed by: a number of a usage type,
// or a number of parts of one.
type dimension struct {
	usage string
	units int64
	parts int64
}

// dimensions are those of a volume that EBS bills by the month.
func dimensions(v *state.Volume) []dimension {
	storage := map[string]string{"standard": "EBS:VolumeUsage", "io1": "EBS:VolumeUsage.piops"}[v.Type]
	if storage == "" {
		storage = "EBS:VolumeUsage." + v.Type
	}
	list := []dimension{{storage, v.SizeGiB, 1}}
	add := func(usage string, units, parts int64) {
		if units > 0 {
			list = append(list, dimension{usage, units, parts})
		}
	}
	switch v.Type {
	case "gp3":
		add("EBS:VolumeP-IOPS.gp3", v.IOPS-3000, 1)
		add("EBS:VolumeP-Throughput.gp3", v.Throughput-125, 1024) // by the GiB/s
	case "io1":
		add("EBS:VolumeP-IOPS.piops", v.IOPS, 1)
	case "io2":
		add("EBS:VolumeP-IOPS.io2", min(v.IOPS, 32_000), 1)
		add("EBS:VolumeP-IOPS.io2.tier2", min(v.IOPS, 64_000)-32_000, 1)
		add("EBS:VolumeP-IOPS.io2.tier3", v.IOPS-64_000, 1)
	}
	return list
}

// volume lists what a volume was charged for in a span of time, which lies in
// one month: a month of it costs the same whether it has 28 days or 31.
func (b *biller) volume(r *state.Region, v *state.Volume, from, to time.Time) []charge {
	from, to = state.Later(from, v.Created), to.Truncate(time.Second)
	seconds := int64(to.Sub(from) / time.Second)
	if seconds <= 0 {
		return nil
	}
	month := monthOf(from)
	whole := int64(month.AddDate(0, 1, 0).Sub(month) / time.Second)
	var list []charge
	for _, d := range dimensions(v) {
		c := charge{
			from: from, to: to, region: r.Name, zone: v.Zone, resource: v.ID, service: otherService,
			usage: b.prefix(r.Name) + d.usage, operation: volumeOperation(v.Type), unit: "GB-Mo", tags: v.Tags,
			quantity: float64(d.units*seconds) / float64(whole*d.parts),
		}
		if c.product = b.product(from, r.Name, c.usage, "", "", ""); c.product != nil {
			c.unit = c.product.Unit
			c.list = c.product.USD.Times(d.units*seconds, whole*d.parts)
		}
		c.cost = c.list
		list = append(list, c)
	}
	if v.Type == "standard" {
		list = append(list, b.requests(r, v, from, to)...)
	}
	return list
}

// requests is the charge for what CloudWatch reports as VolumeReadOps and
// VolumeWriteOps of a magnetic volume.
func (b *biller) requests(r *state.Region, v *state.Volume, from, to time.Time) []charge {
	var count int64
	for one := range v.Used(from, to) {
		for hour := one.From.Truncate(time.Hour); hour.Before(one.To); hour = hour.Add(time.Hour) {
			p := state.Metric{Every: time.Minute}.Sample(state.Later(hour, one.From), state.Earlier(hour.Add(time.Hour), one.To), true)
			count += p.Count * (v.Operations(hour.Unix(), 1) + v.Operations(hour.Unix(), 2))
		}
	}
	if count == 0 {
		return nil
	}
	c := charge{
		from: from, to: to, region: r.Name, zone: v.Zone, resource: v.ID, service: otherService,
		usage: b.prefix(r.Name) + "EBS:VolumeIOUsage", operation: "EBS:IO-Read-Write", unit: "IOs", tags: v.Tags,
		quantity: float64(count),
	}
	if c.product = b.product(from, r.Name, c.usage, "", "", ""); c.product != nil {
		c.unit = c.product.Unit
		c.list = c.product.USD.Times(count, 1)
	}
	c.cost = c.list
	return []charge{c}
}

// volumeOperation is what a bill calls the making of a volume.
func volumeOperation(kind string) string {
	switch kind {
	case "standard":
		return "CreateVolume"
	case "io1", "io2":
		return "CreateVolume-P-IOPS"
	}
	return "CreateVolume-" + strings.ToUpper(kind[:1]) + kind[1:]
}

// monthOf is the first instant of a month of UTC, by which AWS bills.
func monthOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
