package amazon

import (
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/fleet"
)

// BenchmarkPages fetches and decodes the pages of instances and volumes that a
// report of the account at AWS_ENDPOINT_URL reads, and throws them away: what a
// report cannot do without. The bench command compares the two.
func BenchmarkPages(b *testing.B) {
	session, err := Open(b.Context(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	if session.config.BaseEndpoint == nil {
		b.Skip("there is no account to read: AWS_ENDPOINT_URL is not set")
	}
	for b.Loop() {
		f := session.Fleet(fleet.Region(session.config.Region))
		var both sync.WaitGroup
		both.Go(func() {
			for _, err := range f.pages(b.Context(), fleet.Selector{}) {
				if err != nil {
					b.Error(err)
				}
			}
		})
		both.Go(func() {
			in := &ec2.DescribeVolumesInput{MaxResults: aws.Int32(volumesPerPage)}
			next := func(out *ec2.DescribeVolumesOutput) *string { return out.NextToken }
			for _, err := range pages(b.Context(), f.volumes.describe, in, &in.NextToken, next) {
				if err != nil {
					b.Error(err)
				}
			}
		})
		both.Wait()
	}
}
