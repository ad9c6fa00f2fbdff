package sandbox_test

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/sandbox"
)

const (
	computeService = "Amazon Elastic Compute Cloud - Compute"
	resourceID     = "RESOURCE_ID"
)

func (a *account) costExplorer() *costexplorer.Client {
	return costexplorer.NewFromConfig(a.config("us-east-1"))
}

// send sends a request as it is, signed by name only.
func (a *account) send(service, body string, header http.Header) (status int, answer http.Header, text string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.url+"/", strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(raw)
}

func service(name string) *types.Expression {
	return &types.Expression{Dimensions: &types.DimensionValues{Key: "SERVICE", Values: []string{name}}}
}

func by(keys ...string) []types.GroupDefinition {
	var list []types.GroupDefinition
	for _, k := range keys {
		list = append(list, types.GroupDefinition{Type: types.GroupDefinitionTypeDimension, Key: &k})
	}
	return list
}

func days(from, to time.Time, granularity string) *types.DateInterval {
	layout := time.DateOnly
	if granularity == "HOURLY" {
		layout = time.RFC3339
	}
	return &types.DateInterval{Start: aws.String(from.Format(layout)), End: aws.String(to.Format(layout))}
}

// billed is a group of an answer.
type billed struct {
	start                string
	resource, usage      string
	quantity             float64
	unit                 string
	unblended, amortized float64
}

func amount(t testing.TB, m types.MetricValue) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(*m.Amount, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// costByResource lists all pages of usage by resource and usage type.
func (a *account) costByResource(from, to time.Time, granularity string) []billed {
	a.t.Helper()
	in := &costexplorer.GetCostAndUsageWithResourcesInput{
		TimePeriod: days(from, to, granularity), Granularity: types.Granularity(granularity), Filter: service(computeService),
		Metrics: []string{"UnblendedCost", "AmortizedCost", "UsageQuantity"}, GroupBy: by(resourceID, "USAGE_TYPE"),
	}
	var list []billed
	for {
		out, err := a.costExplorer().GetCostAndUsageWithResources(a.t.Context(), in)
		if err != nil {
			a.t.Fatal(err)
		}
		for _, r := range out.ResultsByTime {
			for _, g := range r.Groups {
				list = append(list, billed{
					start: *r.TimePeriod.Start, resource: g.Keys[0], usage: g.Keys[1],
					quantity: amount(a.t, g.Metrics["UsageQuantity"]), unit: *g.Metrics["UsageQuantity"].Unit,
					unblended: amount(a.t, g.Metrics["UnblendedCost"]), amortized: amount(a.t, g.Metrics["AmortizedCost"]),
				})
			}
		}
		if in.NextPageToken = out.NextPageToken; in.NextPageToken == nil {
			return list
		}
	}
}

// TestEveryServiceReportsTheSamePast holds the hours of every instance of the
// default account by Cost Explorer and by CloudWatch against those in which it
// ran.
func TestEveryServiceReportsTheSamePast(t *testing.T) {
	a := open(t, sandbox.Options{})
	to := a.Now().Add(-24 * time.Hour)
	from := time.Date(2026, 11, 8, 0, 0, 0, 0, time.UTC)
	hours := map[string]float64{}
	for _, granularity := range []string{"HOURLY", "DAILY"} {
		clear(hours)
		for _, g := range a.costByResource(from, to.Truncate(time.Hour), granularity) {
			if g.unit == "Hrs" {
				hours[g.resource] += g.quantity
			}
		}
		end := to
		if granularity == "DAILY" {
			end = to.Truncate(24 * time.Hour)
		}
		for _, region := range []string{sandbox.DefaultRegion, "us-east-1"} {
			for _, i := range a.Instances(region) {
				if ran := a.Ran(i.ID, from, end).Hours(); math.Abs(ran-hours[i.ID]) > 1e-6 {
					t.Errorf("%s (%s): Cost Explorer tells %v hours by the %s, it ran %v", i.ID, i.Tags["Name"], hours[i.ID], granularity, ran)
				}
				if granularity != "DAILY" {
					continue
				}
				values, _ := a.metrics(region, from, end, metricOf(i.ID, "CPUUtilization", "SampleCount", time.Hour))
				sampled := sum(values["m"+strings.ReplaceAll(i.ID, "-", "_")]) / samplesAnHour(a, region, i.ID)
				runs := a.Runs(i.ID, from, end)
				if tolerance := 5.0 / 60; math.Abs(sampled-hours[i.ID]) > tolerance*2*float64(len(runs)) {
					t.Errorf("%s (%s): CloudWatch tells %v hours, Cost Explorer %v, in %d runs", i.ID, i.Tags["Name"], sampled, hours[i.ID], len(runs))
				}
			}
		}
	}
	if len(hours) < 25 {
		t.Errorf("Cost Explorer knows %d instances", len(hours))
	}
}

// samplesAnHour is how many samples an instance sends.
func samplesAnHour(a *account, region, id string) float64 {
	a.t.Helper()
	out, err := a.region(region).DescribeInstances(a.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		a.t.Fatal(err)
	}
	if out.Reservations[0].Instances[0].Monitoring.State == "enabled" {
		return 60
	}
	return 12
}

// TestCostsByHand calculates some resources of one day by the price list.
func TestCostsByHand(t *testing.T) {
	a := open(t, sandbox.Options{})
	from := time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC) // a Wednesday
	got := map[string]billed{}
	for _, g := range a.costByResource(from, from.AddDate(0, 0, 1), "DAILY") {
		if g.unit == "Hrs" {
			got[g.resource] = g
		}
	}
	for _, tt := range []struct {
		name, usage          string
		hours                float64
		unblended, amortized float64
	}{
		{"운영-DB-1", "APN2-BoxUsage:r7i.large", 24, 24 * 0.1596, 24 * 0.1596},
		{"운영-웹-1", "APN2-BoxUsage:m5.2xlarge", 24, 0, 24 * 0.472 * 0.72},       // Savings Plan
		{"qa-windows-01", "APN2-BoxUsage:m5.xlarge", 24, 24 * 0.42, 24 * 0.42}, // too small for it
		{"hsm-dedicated", "APN2-DedicatedUsage:m5.large", 24, 24 * 0.1298, 24 * 0.1298},
		{"스테이징-API", "APN2-BoxUsage:t4g.small", 24, 12 * 0.0208, 12 * 0.0208}, // credits
	} {
		g := got[a.id(tt.name)]
		if g.usage != tt.usage || math.Abs(g.quantity-tt.hours) > 1e-9 || math.Abs(g.unblended-tt.unblended) > 1e-6 || math.Abs(g.amortized-tt.amortized) > 1e-6 {
			t.Errorf("%s: %+v, want %s, %v hours, %v and %v dollars", tt.name, g, tt.usage, tt.hours, tt.unblended, tt.amortized)
		}
	}
	spot := got[a.id("spot-batch")]
	if spot.usage != "APN2-SpotUsage:c8g.large" || spot.unblended <= 0 || spot.unblended >= spot.quantity*0.09 {
		t.Errorf("spot: %+v", spot)
	}
}

// TestCostLag: the last day is not there, and the two last ones may change.
func TestCostLag(t *testing.T) {
	a := open(t, sandbox.Options{})
	out, err := a.costExplorer().GetCostAndUsageWithResources(t.Context(), &costexplorer.GetCostAndUsageWithResourcesInput{
		TimePeriod: &types.DateInterval{Start: aws.String("2026-11-17"), End: aws.String("2026-11-23")}, Granularity: "DAILY",
		Filter: service(computeService), Metrics: []string{"UsageQuantity"}, GroupBy: by(resourceID),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.ResultsByTime) != 6 {
		t.Fatalf("%d days, want 6", len(out.ResultsByTime))
	}
	id := a.id("운영-DB-1")
	for n, want := range []string{"24", "24", "24", "24", "9", ""} { // now is 09:00 on the 22nd
		r := out.ResultsByTime[n]
		hours := ""
		for _, g := range r.Groups {
			if g.Keys[0] == id {
				hours = *g.Metrics["UsageQuantity"].Amount
			}
		}
		if hours != want || r.Estimated != (n >= 3) {
			t.Errorf("%s: %q hours, estimated %v", *r.TimePeriod.Start, hours, r.Estimated)
		}
	}
}

// TestCostRequestsRefused asks for what Cost Explorer refuses.
func TestCostRequestsRefused(t *testing.T) {
	a := open(t, sandbox.Options{})
	ce := a.costExplorer()
	for _, tt := range []struct {
		name   string
		change func(*costexplorer.GetCostAndUsageWithResourcesInput)
		code   string
		says   string
	}{
		{"15 days", func(in *costexplorer.GetCostAndUsageWithResourcesInput) {
			in.TimePeriod.Start = aws.String("2026-11-07")
		}, "ValidationException", "max supported days"},
		{"no day", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.TimePeriod.Start = in.TimePeriod.End }, "ValidationException", "should be before end date"},
		{"beyond the next month", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.TimePeriod.End = aws.String("2026-12-02") }, "ValidationException", "end date past the beginning of next month"},
		{"no filter", func(in *costexplorer.GetCostAndUsageWithResourcesInput) {
			in.Filter = &types.Expression{Dimensions: &types.DimensionValues{Key: "REGION", Values: []string{"us-east-1"}}}
		}, "ValidationException", computeService},
		{"EBS", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.Filter = service("EC2 - Other") }, "ValidationException", computeService},
		{"no resource", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.GroupBy = by("USAGE_TYPE") }, "ValidationException", "RESOURCE_ID"},
		{"three groups", func(in *costexplorer.GetCostAndUsageWithResourcesInput) {
			in.GroupBy = by(resourceID, "USAGE_TYPE", "REGION")
		}, "ValidationException", "at most 2"},
		{"no metric", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.Metrics = nil }, "ValidationException", "metrics"},
		{"another metric", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.Metrics = []string{"Cost"} }, "ValidationException", "Cost"},
		{"hours of days", func(in *costexplorer.GetCostAndUsageWithResourcesInput) {
			in.TimePeriod.Start = aws.String("2026-11-19T00:00:00Z")
		}, "ValidationException", "Hourly timePeriod is not supported"},
		{"a token of nothing", func(in *costexplorer.GetCostAndUsageWithResourcesInput) { in.NextPageToken = aws.String("x") }, "InvalidNextTokenException", "Invalid"},
	} {
		in := &costexplorer.GetCostAndUsageWithResourcesInput{
			TimePeriod: &types.DateInterval{Start: aws.String("2026-11-19"), End: aws.String("2026-11-20")}, Granularity: "DAILY",
			Filter: service(computeService), Metrics: []string{"UsageQuantity"}, GroupBy: by(resourceID),
		}
		tt.change(in)
		if _, err := ce.GetCostAndUsageWithResources(t.Context(), in); code(err) != tt.code || !strings.Contains(message(err), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	totals := &costexplorer.GetCostAndUsageInput{
		TimePeriod: &types.DateInterval{Start: aws.String("2025-09-01"), End: aws.String("2026-11-01")}, Granularity: "MONTHLY", Metrics: []string{"UnblendedCost"},
	}
	if _, err := ce.GetCostAndUsage(t.Context(), totals); code(err) != "ValidationException" || !strings.Contains(message(err), "14 months") {
		t.Errorf("15 months: %v", err)
	}
	totals.TimePeriod.Start, totals.GroupBy = aws.String("2026-10-01"), by(resourceID)
	if _, err := ce.GetCostAndUsage(t.Context(), totals); code(err) != "ValidationException" || message(err) != "Dimension RESOURCE_ID is not allowed." {
		t.Errorf("resources of the account: %v", err)
	}
	for fault, want := range map[string]string{
		"ce:*=deny,message=User not enabled for cost explorer access": "AccessDeniedException",
		"ce:GetCostAndUsage=deny":                                     "AccessDeniedException",
		"ce:*=throttle":                                               "LimitExceededException",
	} {
		faults, err := sandbox.ParseFaults(fault)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.SetFaults(faults); err != nil {
			t.Fatal(err)
		}
		totals.GroupBy = nil
		if _, err := ce.GetCostAndUsage(t.Context(), totals); code(err) != want {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

// TestCostsOfAnEmptyAccount: there is nothing to report.
func TestCostsOfAnEmptyAccount(t *testing.T) {
	a := open(t, sandbox.Options{Regions: []string{"eu-west-1"}})
	_, err := a.costExplorer().GetCostAndUsage(t.Context(), &costexplorer.GetCostAndUsageInput{
		TimePeriod: &types.DateInterval{Start: aws.String("2026-11-01"), End: aws.String("2026-11-20")}, Granularity: "DAILY", Metrics: []string{"UnblendedCost"},
	})
	if code(err) != "DataUnavailableException" {
		t.Errorf("costs of an account without resources: %v", err)
	}
}

// TestCostPages reads a large answer in pages, which say together what one page
// says of a part.
func TestCostPages(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 700, Seed: 3})
	from := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	a.ResetCalls()
	all := a.costByResource(from, from.AddDate(0, 0, 3), "DAILY")
	if n := len(a.Calls()); n < 2 || n > 4 {
		t.Errorf("%d pages for %d groups", n, len(all))
	}
	seen := map[string]bool{}
	sum := map[string]float64{}
	for _, g := range all {
		key := g.start + g.resource + g.usage
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		sum[g.start] += g.unblended
	}
	out, err := a.costExplorer().GetCostAndUsage(t.Context(), &costexplorer.GetCostAndUsageInput{
		TimePeriod: days(from, from.AddDate(0, 0, 3), "DAILY"), Granularity: "DAILY", Metrics: []string{"UnblendedCost"}, Filter: service(computeService),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.ResultsByTime {
		if total := amount(t, r.Total["UnblendedCost"]); math.Abs(total-sum[*r.TimePeriod.Start]) > 1e-6 || total == 0 {
			t.Errorf("%s: the account paid %v, its resources %v", *r.TimePeriod.Start, total, sum[*r.TimePeriod.Start])
		}
	}
}

// TestAccountTotals groups the account's months.
func TestAccountTotals(t *testing.T) {
	a := open(t, sandbox.Options{})
	group := func(keys ...string) []types.ResultByTime {
		out, err := a.costExplorer().GetCostAndUsage(t.Context(), &costexplorer.GetCostAndUsageInput{
			TimePeriod:  &types.DateInterval{Start: aws.String("2026-09-01"), End: aws.String("2026-11-23")},
			Granularity: "MONTHLY", Metrics: []string{"UnblendedCost", "AmortizedCost", "UsageQuantity"}, GroupBy: by(keys...),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.ResultsByTime) != 3 || *out.ResultsByTime[2].TimePeriod.End != "2026-11-23" {
			t.Fatalf("%d months", len(out.ResultsByTime))
		}
		return out.ResultsByTime
	}
	totals := group()
	services := group("SERVICE")
	for n, month := range group("SERVICE", "RECORD_TYPE") {
		var billed, spread float64
		records := map[string]bool{}
		for _, g := range month.Groups {
			billed += amount(t, g.Metrics["UnblendedCost"])
			spread += amount(t, g.Metrics["AmortizedCost"])
			records[g.Keys[1]] = true
		}
		total, amortized := amount(t, totals[n].Total["UnblendedCost"]), amount(t, totals[n].Total["AmortizedCost"])
		if math.Abs(billed-total) > 1e-6 || math.Abs(spread-amortized) > 1e-6 || math.Abs(total-amortized) > 1e-6 || total < 1000 {
			t.Errorf("%s: %v billed and %v spread, in groups %v and %v", *month.TimePeriod.Start, total, amortized, billed, spread)
		}
		for _, r := range []string{"Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "SavingsPlanRecurringFee", "Credit"} {
			if !records[r] {
				t.Errorf("%s: no record of type %s", *month.TimePeriod.Start, r)
			}
		}
		if got := len(services[n].Groups); got != 3 {
			t.Errorf("%s: %d services, want instances, EBS and the Savings Plan", *month.TimePeriod.Start, got)
		}
	}
	october := map[string]float64{}
	for _, g := range group("USAGE_TYPE")[1].Groups {
		october[g.Keys[0]] = amount(t, g.Metrics["UsageQuantity"])
	}
	// The io2 volume of the databases: 200 GiB with 5,000 IOPS, the whole month.
	if october["APN2-EBS:VolumeUsage.io2"] != 200 || october["APN2-EBS:VolumeP-IOPS.io2"] != 5000 {
		t.Errorf("io2 in October: %v GB-Mo, %v IOPS-Mo", october["APN2-EBS:VolumeUsage.io2"], october["APN2-EBS:VolumeP-IOPS.io2"])
	}
	// The host was there all the month, whose hours are 744; nobody used two of the
	// three reserved places.
	if october["APN2-HostUsage:m5"] != 744 || october["APN2-UnusedBox:m5.2xlarge"] != 2*744 {
		t.Errorf("October: %v hours of the host, %v of unused capacity", october["APN2-HostUsage:m5"], october["APN2-UnusedBox:m5.2xlarge"])
	}
	for _, usage := range []string{"APN2-EBS:VolumeIOUsage", "APN2-EBS:SnapshotUsage", "APN2-EBS:SnapshotArchiveStorage"} {
		if october[usage] == 0 {
			t.Errorf("no %s", usage)
		}
	}
}
