package price_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func TestParseVolume(t *testing.T) {
	for text, want := range map[string]fleet.Volume{
		"gp3:1000":            {Type: fleet.GP3, SizeGiB: 1000},
		"gp3:1000:16000:1000": {Type: fleet.GP3, SizeGiB: 1000, IOPS: 16000, ThroughputMiBps: 1000},
		"io2:100:70000":       {Type: fleet.IO2, SizeGiB: 100, IOPS: 70000},
		"st1:500":             {Type: "st1", SizeGiB: 500},
	} {
		if got, err := price.ParseVolume(text); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %v\n%s", text, err, cmp.Diff(want, got))
		}
	}
	for text, why := range map[string]string{
		"gp3": "there must be two to four parts", "gp3:1:2:3:4": "there must be two to four parts", "gp3:0": `"0" is not a number that can be`,
		"gp3:many": `"many" is not a number that can be`, "gp3:100000001": `"100000001" is not a number that can be`, "io1:100": "its IOPS are billed",
		"io2:100:1000:100": "its throughput comes with its IOPS", "st1:500:100": "st1 has neither IOPS nor throughput to choose",
	} {
		want := `"` + text + `": ` + why + `; write TYPE:GIB:IOPS:MIB/S, for example gp3:1000:16000:1000`
		if _, err := price.ParseVolume(text); err == nil || err.Error() != want || !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
