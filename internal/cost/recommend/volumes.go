package recommend

import (
	"fmt"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// forVolumes are volumes that nothing uses or that another type would do
// the work of for less. Each volume has one recommendation at most, the one that saves
// most. Those of instances that the report leaves out are their owners' matter,
// and of those that are to go with a forgotten instance nothing is left to save.
func forVolumes(r cost.Report) []Recommendation {
	limits := map[instanceKey]*fleet.TypeInfo{}
	for _, i := range r.Instances {
		limits[instanceKey{i.Target.Account, i.ID}] = i.Info
	}
	going := map[instanceKey]bool{}
	for _, f := range forStopped(r) {
		going[instanceKey{f.Target.Account, fleet.ResourceID(f.Resource)}] = f.Saving.Cents() > 0
	}
	var all []Recommendation
	for _, v := range r.Volumes {
		if !v.Monthly.Known {
			continue
		}
		if v.Unattached() {
			if v.State == "available" {
				all = append(all, Recommendation{
					Target: v.Target, Code: UnattachedVolume, Resource: string(v.ID), Name: v.Name, Saving: v.Monthly.USD, Certain: true,
					Reason:   fmt.Sprintf("no instance uses this %s volume of %d GiB", v.Type, v.SizeGiB),
					Template: retainAndDelete, Advice: adviceWait,
				})
			}
			continue
		}
		if v.BilledTo == "" || len(v.AttachedTo) == 1 && going[instanceKey{v.Target.Account, v.BilledTo}] {
			continue
		}
		var best Recommendation
		for _, change := range changes(v.Volume, limits) {
			priced := price.VolumePrice(change.to, r.Evidence.Rates[v.Target.Region])
			saving := v.Monthly.USD.Add(-priced.USD)
			if !priced.Status.Usable() || saving <= best.Saving {
				continue
			}
			best = Recommendation{
				Target: v.Target, Code: change.code, Resource: string(v.ID), Name: v.Name, Saving: saving, Certain: true,
				Reason:   fmt.Sprintf("%s: %s would cost %s a month instead of %s", change.why, describe(change.to), priced.USD.Cents(), v.Monthly.USD.Cents()),
				Template: fmt.Sprintf(changeVolume, arguments(change.to)),
			}
		}
		if best.Saving > 0 {
			all = append(all, best)
		}
	}
	return all
}

// change is a volume as it could be.
type change struct {
	code string
	why  string
	to   fleet.Volume
}

// changes are the ways in which a volume could be changed with no loss of
// performance that it has, or could make use of.
func changes(v fleet.Volume, types map[instanceKey]*fleet.TypeInfo) []change {
	var all []change
	if v.Type == fleet.GP2 {
		all = append(all, change{GP2ToGP3, "gp3 with at least the IOPS and throughput of this gp2 volume", gp3Of(v, max(gp2IOPS(v), gp3IOPS), gp2MiBps(v))})
	}
	if v.Type == fleet.IO1 {
		if len(v.AttachedTo) <= 1 && v.IOPS <= mostGP3IOPS { // gp3 cannot be attached to several instances
			all = append(all, change{IO1ToGP3, "gp3 with the IOPS and throughput of this io1 volume, and the same durability", gp3Of(v, max(v.IOPS, gp3IOPS), io1MiBps(v))})
		}
		to := v
		to.Type = fleet.IO2
		all = append(all, change{IO1ToIO2, "io2 costs less from the second tier on, and fails more rarely", to})
	}
	if most := usableIOPS(v, types); most > 0 {
		to := v
		to.IOPS = max(most, leastIOPS(v))
		if to.IOPS < v.IOPS {
			all = append(all, change{UnusableIOPS, fmt.Sprintf("its instance cannot do more than %d IOPS", most), to})
		}
	}
	return all
}

// What gp3 comes with, and may have at most (EBS User Guide, "General Purpose
// SSD volumes").
const (
	gp3IOPS     = 3000
	gp3MiBps    = 125
	mostGP3IOPS = 80_000
)

func gp3Of(v fleet.Volume, iops, mibps int64) fleet.Volume {
	v.Type, v.IOPS, v.ThroughputMiBps = fleet.GP3, iops, max(mibps, gp3MiBps)
	return v
}

// gp2IOPS is the baseline of a gp2 volume: 3 IOPS a GiB, between 100 and
// 16,000. Its bursts go to 3,000, which gp3 has all the time.
func gp2IOPS(v fleet.Volume) int64 { return min(max(3*v.SizeGiB, 100), 16_000) }

// gp2MiBps is the most throughput of a gp2 volume: 128 MiB/s up to 170 GiB, 250
// above.
func gp2MiBps(v fleet.Volume) int64 {
	if v.SizeGiB <= 170 {
		return 128
	}
	return 250
}

// io1MiBps is the most throughput of an io1 volume: 256 KiB for each IOPS up to
// 500 MiB/s, and from 32,000 IOPS on 16 KiB for each up to 1,000 MiB/s (EBS User
// Guide, "Provisioned IOPS SSD volumes").
func io1MiBps(v fleet.Volume) int64 {
	return max(min(v.IOPS/4, 500), min(v.IOPS/64, 1000))
}

// usableIOPS is what the instances of a volume can do at most, 0 where that is
// not known or where the volume's IOPS are not paid for.
func usableIOPS(v fleet.Volume, types map[instanceKey]*fleet.TypeInfo) int64 {
	if v.Type != fleet.GP3 && v.Type != fleet.IO1 && v.Type != fleet.IO2 {
		return 0
	}
	var most int64
	for _, id := range v.AttachedTo {
		info := types[instanceKey{v.Target.Account, id}]
		if info == nil || info.EBSIOPS == 0 {
			return 0
		}
		most += info.EBSIOPS
	}
	return most
}

// leastIOPS is what a volume of its type has at least. With gp3 four IOPS are
// needed for each MiB/s (EBS User Guide, "General Purpose SSD volumes").
func leastIOPS(v fleet.Volume) int64 {
	if v.Type == fleet.GP3 {
		return max(gp3IOPS, 4*v.ThroughputMiBps)
	}
	return 100
}

func describe(v fleet.Volume) string {
	text := fmt.Sprintf("%s with %d IOPS", v.Type, v.IOPS)
	if v.Type == fleet.GP3 {
		text += fmt.Sprintf(" and %d MiB/s", v.ThroughputMiBps)
	}
	return text
}

func arguments(v fleet.Volume) string {
	text := fmt.Sprintf("--volume-type %s --iops %d", v.Type, v.IOPS)
	if v.Type == fleet.GP3 {
		text += fmt.Sprintf(" --throughput %d", v.ThroughputMiBps)
	}
	return text
}
