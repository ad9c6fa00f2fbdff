package sandbox_test

import (
	"math"
	"strings"
	"testing"

	"nightshift/internal/sandbox"
)

func TestOptionsThatMeanNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		o    sandbox.Options
		part string
	}{
		"fleet":              {sandbox.Options{Fleet: -1}, "a fleet of -1 instances"},
		"types":              {sandbox.Options{Fleet: 10, Types: -1}, "-1 instance types"},
		"too many types":     {sandbox.Options{Fleet: 10, Types: 100000}, "100000 instance types asked for"},
		"latency":            {sandbox.Options{Latency: -1}, "latency -1ns"},
		"speed":              {sandbox.Options{Speed: math.NaN()}, "speed NaN"},
		"empty pages":        {sandbox.Options{EmptyPages: 1.5}, "empty pages 1.5"},
		"region":             {sandbox.Options{Regions: []string{"Seoul"}}, `region "Seoul"`},
		"capitals in bucket": {sandbox.Options{Buckets: []string{"Reports"}}, `bucket "Reports"`},
		"short bucket":       {sandbox.Options{Buckets: []string{"ab"}}, `bucket "ab"`},
		"address as bucket":  {sandbox.Options{Buckets: []string{"192.168.0.1"}}, `bucket "192.168.0.1"`},
		"fault":              {sandbox.Options{Faults: []sandbox.Fault{{Action: "ec2:Stop", Kind: sandbox.Cut}}}, "matches no operation"},
	} {
		if _, err := sandbox.New(tt.o); err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%s: %v; want …%s…", name, err, tt.part)
		}
	}
	if _, err := sandbox.New(sandbox.Options{Buckets: []string{"second", sandbox.DefaultBucket, "second"}}); err != nil {
		t.Errorf("a bucket that is named twice: %v", err)
	}
}
