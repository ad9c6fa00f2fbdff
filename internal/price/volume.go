package price

import (
	"fmt"
	"strconv"
	"strings"

	"nightshift/internal/fleet"
)

// MaxQuantity is the largest number of anything that is priced: more is an error,
// and its price would have too many digits.
const MaxQuantity = 100_000_000

// ParseVolume reads "gp3:1000:16000:1000". What is left out is what EC2 gives
// without being asked: 3,000 IOPS and 125 MiB/s for gp3. The volumes that are
// billed for IOPS must say how many.
func ParseVolume(text string) (fleet.Volume, error) {
	bad := func(why string) (fleet.Volume, error) {
		return fleet.Volume{}, fleet.Errorf(fleet.ErrInvalid, "%q: %s; write TYPE:GIB:IOPS:MIB/S, for example gp3:1000:16000:1000", text, why)
	}
	words := strings.Split(text, ":")
	if len(words) < 2 || len(words) > 4 {
		return bad("there must be two to four parts")
	}
	v := fleet.Volume{Type: fleet.VolumeType(words[0])}
	for n, into := range []*int64{&v.SizeGiB, &v.IOPS, &v.ThroughputMiBps} {
		if len(words) <= n+1 {
			break
		}
		number, err := strconv.ParseInt(words[n+1], 10, 64)
		if err != nil || number <= 0 || number > MaxQuantity {
			return bad(fmt.Sprintf("%q is not a number that can be", words[n+1]))
		}
		*into = number
	}
	provisioned := v.Type == fleet.IO1 || v.Type == fleet.IO2
	switch {
	case provisioned && v.IOPS == 0:
		return bad("its IOPS are billed")
	case provisioned && v.ThroughputMiBps > 0:
		return bad("its throughput comes with its IOPS")
	case !provisioned && v.Type != fleet.GP3 && v.IOPS > 0:
		return bad(string(v.Type) + " has neither IOPS nor throughput to choose")
	}
	return v, nil
}
