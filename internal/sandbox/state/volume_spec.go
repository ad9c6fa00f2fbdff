package state

import (
	"fmt"
	"strconv"
)

// VolumeSpec is what a new volume is to be.
type VolumeSpec struct {
	Type        string
	SizeGiB     int64
	IOPS        int64
	Throughput  int64 // MiB/s
	MultiAttach bool
	Encrypted   bool
	KMSKey      string
	Snapshot    string
}

// SpecError is why there cannot be such a volume, with EC2's code for it.
type SpecError struct{ Code, Message string }

func badSpec(code, message string) *SpecError { return &SpecError{code, message} }

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

// Complete checks a specification against the limits of its type and fills in
// what EC2 derives.
func (s *VolumeSpec) Complete() *SpecError {
	if s.Type == "" {
		s.Type = "gp2"
	}
	most, ok := limitsOf(s.Type)
	switch {
	case !ok:
		return badSpec("UnknownVolumeType", "Unknown volume type: "+s.Type)
	case s.SizeGiB == 0:
		return badSpec("MissingParameter", "The request must contain the parameter size/snapshot")
	case s.SizeGiB < most.leastGiB || s.SizeGiB > most.mostGiB:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Volume of %dGiB is outside %d to %dGiB for volume type %s.", s.SizeGiB, most.leastGiB, most.mostGiB, s.Type))
	case s.Throughput != 0 && s.Type != "gp3":
		return badSpec("InvalidParameterCombination", "The parameter throughput is not supported for "+s.Type+" volumes.")
	case s.MultiAttach && s.Type != "io1" && s.Type != "io2":
		return badSpec("InvalidParameterCombination", "Multi-Attach is only supported on io1 and io2 volumes.")
	case s.IOPS != 0 && most.mostIOPS == 0:
		return badSpec("InvalidParameterCombination", "The parameter iops is not supported for "+s.Type+" volumes.")
	}
	switch s.Type {
	case "gp2":
		s.IOPS = min(max(3*s.SizeGiB, 100), 16000)
		return nil
	case "st1", "sc1", "standard":
		return nil
	case "gp3":
		if s.IOPS == 0 {
			s.IOPS = most.leastIOPS
		}
		if s.Throughput == 0 {
			s.Throughput = 125
		}
	}
	if err := s.checkIOPS(most); err != nil {
		return err
	}
	if s.Type == "gp3" {
		return s.checkThroughput()
	}
	return nil
}

func (s *VolumeSpec) checkIOPS(most volumeLimits) *SpecError {
	switch {
	case s.IOPS == 0:
		return badSpec("MissingParameter", "The request must contain the parameter iops")
	case s.IOPS < most.leastIOPS:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too low; minimum is %d.", s.IOPS, most.leastIOPS))
	case s.IOPS > most.mostIOPS:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Volume iops of %d is too high; maximum is %d.", s.IOPS, most.mostIOPS))
	case s.IOPS > max(s.SizeGiB*most.iopsPerGiB, most.leastIOPS): // the least is there at every size
		return badSpec("InvalidParameterValue", fmt.Sprintf("Iops to volume size ratio of %s is too high; maximum is %d",
			ratio(s.IOPS, s.SizeGiB), most.iopsPerGiB))
	}
	return nil
}

// checkThroughput holds gp3 to 125 to 2,000 MiB/s and 0.25 MiB/s for each of
// its IOPS.
func (s *VolumeSpec) checkThroughput() *SpecError {
	switch {
	case s.Throughput < 125 || s.Throughput > 2000:
		return badSpec("InvalidParameterValue", fmt.Sprintf("Throughput of %d is outside 125 to 2000 MiB/s.", s.Throughput))
	case 4*s.Throughput > s.IOPS:
		return badSpec("InvalidParameterValue", "Throughput (MiBps) to iops ratio of "+ratio(s.Throughput, s.IOPS)+" is too high; maximum is 0.250000.")
	}
	return nil
}

func ratio(a, b int64) string { return strconv.FormatFloat(float64(a)/float64(b), 'f', 6, 64) }
