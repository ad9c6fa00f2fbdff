package amazon

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// typesPerPage is the largest page of instance types that EC2 allows.
const typesPerPage = 100

// Types describes the named instance types. Types that EC2 does not know are
// absent from the answer. After an error the answer holds what was read.
func (f instances) Types(ctx context.Context, names []fleet.InstanceType) (map[fleet.InstanceType]fleet.TypeInfo, error) {
	known := make(map[fleet.InstanceType]fleet.TypeInfo, len(names))
	next := func(out *ec2.DescribeInstanceTypesOutput) *string { return out.NextToken }
	for chunk := range slices.Chunk(names, typesPerPage) {
		in := &ec2.DescribeInstanceTypesInput{
			MaxResults: aws.Int32(typesPerPage),
			Filters:    []types.Filter{{Name: aws.String("instance-type"), Values: toStrings(chunk)}},
		}
		for out, err := range pages(ctx, f.describeTypes, in, &in.NextToken, next) {
			if err != nil {
				return known, err
			}
			for _, t := range out.InstanceTypes {
				info := typeInfo(t)
				known[info.Type] = info
			}
		}
	}
	return known, nil
}

func typeInfo(t types.InstanceTypeInfo) fleet.TypeInfo {
	out := fleet.TypeInfo{Type: fleet.InstanceType(t.InstanceType)}
	if t.VCpuInfo != nil {
		out.VCPU = int(aws.ToInt32(t.VCpuInfo.DefaultVCpus))
		out.Cores = int(aws.ToInt32(t.VCpuInfo.DefaultCores))
		out.ThreadsPerCore = int(aws.ToInt32(t.VCpuInfo.DefaultThreadsPerCore))
	}
	if t.MemoryInfo != nil {
		out.MemoryMiB = aws.ToInt64(t.MemoryInfo.SizeInMiB)
	}
	if t.EbsInfo != nil && t.EbsInfo.EbsOptimizedInfo != nil {
		out.EBSIOPS = int64(aws.ToInt32(t.EbsInfo.EbsOptimizedInfo.MaximumIops))
	}
	return out
}
