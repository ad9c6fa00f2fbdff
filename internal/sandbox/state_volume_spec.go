package sandbox

import (
	"fmt"
	"strconv"
)

// volumeSpec is what a new volume is to be.
type volumeSpec struct {
	kind        string
	gib         int64
	iops        int64
	throughput  int64 // MiB/s
	multiAttach bool
	encrypted   bool
	key         string
	snapshot    string
}

// specError is why there cannot be such a volume, with EC2's code for it.
type specError struct{ code, message string }

func badSpec(code, message string) *specError { return &specError{code, message} }

// volumeLimits are those of one type of volume, from "Amazon EBS volume types"
// in the EBS User Guide.
type volumeLimits struct {
	leastGiB, mostGiB   int64
	leastIOPS, mostIOPS int64 // zero: the type has no IOPS to choose
	iopsPerGiB          int64
}

func limitsOf(kind string) (volumeLimits, bool) {
	l, ok := map[string]volumeLimits{
		"gp2":      {leastGiB: 1, mostGiB: 16384},
		"gp3":      {1, 65536, 3000, 80000, 500},
		"io1":      {4, 16384, 100, 64000, 50},
		"io2":      {4, 65536, 100, 256000, 1000},
		"st1":      {leastGiB: 125, mostGiB: 16384},
		"sc1":      {leastGiB: 125, mostGiB: 16384},
		"standard": {leastGiB: 1, mostGiB: 1024},
	}[kind]
	return l, ok
}

// complete checks a specification against the limits of its type and fills in
// what EC2 derives.
func (s *volumeSpec) complete() *specError {
	if s.kind == "" {
		s.kind = "gp2"
	}
	most, ok := limitsOf(s.kind)
	switch {
	case !ok:
		return badSpec("UnknownVolumeType", "Unknown volume type: "+s.kind)
	case s.gib == 0:
		return badSpec("MissingParameter", "The request must contain the parameter size/snapshot")
	case s.gib < most.leastGiB || s.gib > most.mostGiB:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Volume of %dGiB is outside %d to %dGiB for volume type %s.", s.gib, most.leastGiB, most.mostGiB, s.kind))
	case s.throughput != 0 && s.kind != "gp3":
		return badSpec("InvalidParameterCombination", "The parameter throughput is not supported for "+s.kind+" volumes.")
	case s.multiAttach && s.kind != "io1" && s.kind != "io2":
		return badSpec("InvalidParameterCombination", "Multi-Attach is only supported on io1 and io2 volumes.")
	case s.iops != 0 && most.mostIOPS == 0:
		return badSpec("InvalidParameterCombination", "The parameter iops is not supported for "+s.kind+" volumes.")
	}
	switch s.kind {
	case "gp2":
		s.iops = min(max(3*s.gib, 100), 16000)
		return nil
	case "st1", "sc1", "standard":
		return nil
	case "gp3":
		if s.iops == 0 {
			s.iops = most.leastIOPS
		}
		if s.throughput == 0 {
			s.throughput = 125
		}
	}
	if err := s.checkIOPS(most); err != nil {
		return err
	}
	if s.kind == "gp3" {
		return s.checkThroughput()
	}
	return nil
}

func (s *volumeSpec) checkIOPS(most volumeLimits) *specError {
	switch {
	case s.iops == 0:
		return badSpec("MissingParameter", "The request must contain the parameter iops")
	case s.iops < most.leastIOPS:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too low; minimum is %d.", s.iops, most.leastIOPS))
	case s.iops > most.mostIOPS:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too high; maximum is %d.", s.iops, most.mostIOPS))
	case s.iops > max(s.gib*most.iopsPerGiB, most.leastIOPS): // the least is there at every size
		return badSpec("InvalidParameterValue", fmt.Sprintf("Iops to volume size ratio of %s is too high; maximum is %d",
			ratio(s.iops, s.gib), most.iopsPerGiB))
	}
	return nil
}

// checkThroughput holds gp3 to 125 to 2,000 MiB/s and 0.25 MiB/s for each of
// its IOPS.
func (s *volumeSpec) checkThroughput() *specError {
	switch {
	case s.throughput < 125 || s.throughput > 2000:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Throughput of %d is outside 125 to 2000 MiB/s.", s.throughput))
	case 4*s.throughput > s.iops:
		return badSpec("InvalidParameterValue", "Throughput (MiBps) to iops ratio of "+ratio(s.throughput, s.iops)+" is too high; maximum is 0.250000.")
	}
	return nil
}

func ratio(a, b int64) string { return strconv.FormatFloat(float64(a)/float64(b), 'f', 6, 64) }
