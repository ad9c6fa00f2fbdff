package sandbox_test

import (
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/sandbox"
)

// TestConcurrentCalls gives the race detector something to look at: readers,
// writers and settings at once.
func TestConcurrentCalls(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 40, Types: 5, Throttle: true, Speed: 1000})
	ids := make([]string, 0, 40)
	for _, i := range a.Instances(sandbox.DefaultRegion) {
		ids = append(ids, i.ID)
	}
	work := []func() error{
		func() error {
			_, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
			return err
		},
		func() error { return a.stop(ids[0]) },
		func() error { return a.start(ids[0]) },
		func() error { return a.put(sandbox.DefaultBucket, "key", "body") },
		func() error { return a.SetPolicy(sandbox.PolicyDenying("ec2:RunInstances")) },
		func() error { return a.SetFaults(nil) },
		func() error { a.Instances(sandbox.DefaultRegion); a.Calls(); return nil },
	}
	var done sync.WaitGroup
	for _, do := range work {
		done.Go(func() {
			for range 10 {
				switch c := code(do()); c {
				case "", "IncorrectInstanceState", "RequestLimitExceeded":
				default:
					t.Errorf("unexpected %s", c)
				}
			}
		})
	}
	done.Wait()
}
