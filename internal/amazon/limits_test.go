package amazon_test

import (
	"testing"

	"nightshift/internal/amazon"
)

func TestQuotas(t *testing.T) {
	for call, want := range map[[2]string]struct {
		size      int
		perSecond float64
		bucket    string
	}{
		{"EC2", "StartInstances"}:        {5, 2, "EC2:StartInstances"},
		{"EC2", "StopInstances"}:         {50, 5, "EC2:StopInstances"},
		{"EC2", "DescribeVolumes"}:       {100, 20, "EC2:DescribeVolumes"},
		{"EC2", "CreateTags"}:            {100, 10, "EC2:CreateTags"},
		{"EC2", "CreateSnapshots"}:       {100, 5, "EC2:CreateSnapshots"},
		{"EBS", "GetSnapshotBlock"}:      {1000, 1000, "EBS:GetSnapshotBlock"},
		{"EBS", "ListSnapshotBlocks"}:    {50, 50, "EBS:ListSnapshotBlocks"},
		{"S3", "PutObject"}:              {3500, 3500, "S3:Put*"},
		{"S3", "ListObjectsV2"}:          {5500, 5500, "S3:*"},
		{"Pricing", "GetProducts"}:       {10, 5, "Pricing:GetProducts"},
		{"Pricing", "ListPriceLists"}:    {100, 50, "Pricing:*"},
		{"STS", "AssumeRole"}:            {600, 600, "STS:*"},
		{"Auto Scaling", "DescribeTags"}: {100, 50, "Auto Scaling:*"},
		{"Nobody", "KnowsThis"}:          {100, 50, "Nobody:*"},
	} {
		size, perSecond, bucket := amazon.QuotaOf(call[0], call[1])
		if size != want.size || perSecond != want.perSecond || bucket != want.bucket {
			t.Errorf("%v: %d, %g a second from %q; want %+v", call, size, perSecond, bucket, want)
		}
	}
}
