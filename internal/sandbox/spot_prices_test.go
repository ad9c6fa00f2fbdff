package sandbox_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/internal/sandbox"
)

func (a *account) spotPrices(in *ec2.DescribeSpotPriceHistoryInput) []types.SpotPrice {
	a.t.Helper()
	var list []types.SpotPrice
	p := ec2.NewDescribeSpotPriceHistoryPaginator(a.ec2, in)
	for p.HasMorePages() {
		out, err := p.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		if out.NextToken == nil {
			a.t.Error("the last page has an empty token, not none")
		}
		list = append(list, out.SpotPriceHistory...)
	}
	return list
}

func TestSpotPriceHistory(t *testing.T) {
	a := open(t, sandbox.Options{})
	from := testStart.Add(-10 * 24 * time.Hour)
	in := &ec2.DescribeSpotPriceHistoryInput{
		InstanceTypes: []types.InstanceType{"c5.xlarge", "c8g.large"}, ProductDescriptions: []string{"Linux/UNIX"},
		StartTime: &from,
	}
	whole := a.spotPrices(in)
	onDemand := map[types.InstanceType]float64{"c5.xlarge": 0.192, "c8g.large": 0.08976}
	type series struct{ kind, zone string }
	first, count := map[series]time.Time{}, map[series]int{}
	newest := testStart
	for _, r := range whole {
		usd, err := strconv.ParseFloat(*r.SpotPrice, 64)
		if err != nil || usd <= 0 || usd >= onDemand[r.InstanceType] || len(*r.SpotPrice) != len("0.123400") {
			t.Errorf("%s at %s: %v", r.InstanceType, *r.SpotPrice, err)
		}
		if r.Timestamp.After(newest) {
			t.Errorf("%v comes after %v", r.Timestamp, newest)
		}
		newest = *r.Timestamp
		s := series{string(r.InstanceType), *r.AvailabilityZone}
		first[s] = *r.Timestamp
		count[s]++
	}
	if len(first) != 8 {
		t.Errorf("%d kinds of price, want 2 types in 4 zones", len(first))
	}
	for s, at := range first {
		if at.After(from) || from.Sub(at) > 32*time.Hour {
			t.Errorf("%v: the price in force at %v is from %v", s, from, at)
		}
		if count[s] < 14 || count[s] > 17 {
			t.Errorf("%v: %d prices in ten days", s, count[s])
		}
	}
	in.MaxResults = aws.Int32(7)
	if diff := cmp.Diff(whole, a.spotPrices(in), cmpopts.IgnoreUnexported(types.SpotPrice{})); diff != "" {
		t.Errorf("small pages differ:\n%s", diff)
	}
	if again := open(t, sandbox.Options{}).spotPrices(in); !slices.EqualFunc(whole, again, func(x, y types.SpotPrice) bool { return *x.SpotPrice == *y.SpotPrice }) {
		t.Error("the history differs from account to account")
	}

	now := testStart
	for name, tt := range map[string]struct {
		in   ec2.DescribeSpotPriceHistoryInput
		want int
	}{
		"one zone now": {ec2.DescribeSpotPriceHistoryInput{
			InstanceTypes: []types.InstanceType{"m5.large"}, ProductDescriptions: []string{"Windows"}, AvailabilityZone: aws.String("ap-northeast-2c"), StartTime: &now,
		}, 1},
		"all products": {ec2.DescribeSpotPriceHistoryInput{
			InstanceTypes: []types.InstanceType{"m5.large"}, AvailabilityZone: aws.String("ap-northeast-2c"), StartTime: &now,
		}, 4},
		"an Arm type": {ec2.DescribeSpotPriceHistoryInput{InstanceTypes: []types.InstanceType{"c8g.large"}, StartTime: &now}, 12},
		"the old name of a product": {ec2.DescribeSpotPriceHistoryInput{
			InstanceTypes: []types.InstanceType{"m5.large"}, ProductDescriptions: []string{"Linux/UNIX (Amazon VPC)"}, StartTime: &now,
		}, 4},
		"by filters": {ec2.DescribeSpotPriceHistoryInput{StartTime: &now, Filters: []types.Filter{
			filterOf("instance-type", "m5.large", "m5.xlarge"), filterOf("product-description", "Linux/UNIX (Amazon VPC)"), filterOf("availability-zone", "*a"),
		}}, 2},
		"no type like that": {ec2.DescribeSpotPriceHistoryInput{InstanceTypes: []types.InstanceType{"m99.large"}, StartTime: &now}, 0},
	} {
		if got := a.spotPrices(&tt.in); len(got) != tt.want {
			t.Errorf("%s: %d prices, want %d", name, len(got), tt.want)
		}
	}
	in = &ec2.DescribeSpotPriceHistoryInput{InstanceTypes: []types.InstanceType{"m5.large"}, AvailabilityZone: aws.String("ap-northeast-2a"), ProductDescriptions: []string{"Linux/UNIX"}}
	oldest := a.spotPrices(in)
	if last := *oldest[len(oldest)-1].Timestamp; testStart.Sub(last) < 90*24*time.Hour || testStart.Sub(last) > 92*24*time.Hour {
		t.Errorf("without StartTime the history begins %v ago", testStart.Sub(last))
	}
	if out, err := a.ec2.DescribeSpotPriceHistory(t.Context(), &ec2.DescribeSpotPriceHistoryInput{MaxResults: aws.Int32(1)}); err != nil || len(out.SpotPriceHistory) != 1 || *out.NextToken == "" {
		t.Errorf("one of everything: %v", err)
	}
}
