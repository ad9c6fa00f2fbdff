package amazon

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// imagesPerPage is the largest page of images that EC2 allows.
const imagesPerPage = 1000

// Images lists the images that the account owns, disabled and deprecated ones, too:
// EC2 deletes no snapshot of any of them. After an error the answer holds what was read.
func (h holds) Images(ctx context.Context) ([]fleet.Image, error) {
	in := &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), IncludeDeprecated: aws.Bool(true), MaxResults: aws.Int32(imagesPerPage),
	}
	next := func(out *ec2.DescribeImagesOutput) *string { return out.NextToken }
	list := func(out *ec2.DescribeImagesOutput) []types.Image { return out.Images }
	return collect(each(pages(ctx, h.describeImages, in, &in.NextToken, next), list, image))
}

// image converts an image of DescribeImages.
func image(i types.Image) fleet.Image {
	out := fleet.Image{
		ID:          aws.ToString(i.ImageId),
		Description: aws.ToString(i.Description),
		State:       intern(string(i.State)),
		Tags:        tags(i.Tags),
	}
	if at, err := time.Parse(time.RFC3339, aws.ToString(i.DeprecationTime)); err == nil {
		out.Deprecation = at.UTC()
	}
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToString(m.Ebs.SnapshotId) != "" {
			out.Snapshots = append(out.Snapshots, fleet.SnapshotID(aws.ToString(m.Ebs.SnapshotId)))
		}
	}
	return out
}
