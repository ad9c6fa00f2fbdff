package sandbox_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func (a *account) cloudWatch(region string) *cloudwatch.Client {
	return cloudwatch.NewFromConfig(a.config(region))
}

// metricOf asks for a metric of an instance.
func metricOf(id, name, stat string, period time.Duration) types.MetricDataQuery {
	return types.MetricDataQuery{
		Id: aws.String("m" + strings.ReplaceAll(id, "-", "_")),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{
				Namespace: aws.String("AWS/EC2"), MetricName: &name,
				Dimensions: []types.Dimension{{Name: aws.String("InstanceId"), Value: &id}},
			},
			Period: aws.Int32(int32(period / time.Second)), Stat: &stat,
		},
	}
}

// metrics asks for metrics between two instants, page by page.
func (a *account) metrics(region string, from, to time.Time, queries ...types.MetricDataQuery) (map[string][]float64, map[string][]time.Time) {
	a.t.Helper()
	values, times := map[string][]float64{}, map[string][]time.Time{}
	in := &cloudwatch.GetMetricDataInput{MetricDataQueries: queries, StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampAscending}
	for p := cloudwatch.NewGetMetricDataPaginator(a.cloudWatch(region), in); p.HasMorePages(); {
		out, err := p.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		for _, r := range out.MetricDataResults {
			values[*r.Id] = append(values[*r.Id], r.Values...)
			times[*r.Id] = append(times[*r.Id], r.Timestamps...)
		}
	}
	return values, times
}

func sum(values []float64) float64 {
	var s float64
	for _, v := range values {
		s += v
	}
	return s
}

// TestSamplesAreThereWhileAnInstanceRuns follows two instances, one of them with
// detailed monitoring, through a stop and a start.
func TestSamplesAreThereWhileAnInstanceRuns(t *testing.T) {
	a := open(t, sandbox.Options{})
	start := a.Now()
	launched, err := a.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(sandbox.ImageLinux), InstanceType: "m5.large", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		Monitoring: &ec2types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	basic, detailed := a.id("sap-suse"), *launched.Instances[0].InstanceId
	a.Advance(90 * time.Minute)
	if err := a.stop(basic, detailed); err != nil {
		t.Fatal(err)
	}
	a.Advance(2 * time.Hour)
	if err := a.start(basic, detailed); err != nil {
		t.Fatal(err)
	}
	a.Advance(150*time.Minute + 10*time.Minute)
	values, times := a.metrics(sandbox.DefaultRegion, start, start.Add(6*time.Hour),
		metricOf(basic, "CPUUtilization", "SampleCount", time.Hour), metricOf(detailed, "CPUUtilization", "SampleCount", time.Hour))
	want := map[string][]float64{basic: {12, 6, 6, 12, 12}, detailed: {60, 30, 30, 60, 60}}
	for id, counts := range want {
		key := "m" + strings.ReplaceAll(id, "-", "_")
		if !slices.Equal(values[key], counts) {
			t.Errorf("%s: %v samples an hour, want %v", id, values[key], counts)
		}
		for n, hour := range []int{0, 1, 3, 4, 5} {
			if got := times[key][n]; !got.Equal(start.Add(time.Duration(hour) * time.Hour)) {
				t.Errorf("%s: sample period %d is %v", id, n, got)
			}
		}
	}
}

// TestStatisticsAgree holds the statistics of one metric against each other.
func TestStatisticsAgree(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("운영-웹-1")
	key := "m" + strings.ReplaceAll(id, "-", "_")
	from, to := a.Now().Add(-10*time.Hour), a.Now()
	stat := func(name, stat string, period time.Duration) []float64 {
		values, _ := a.metrics(sandbox.DefaultRegion, from, to, metricOf(id, name, stat, period))
		return values[key]
	}
	counts, sums, averages := stat("CPUUtilization", "SampleCount", time.Hour), stat("CPUUtilization", "Sum", time.Hour), stat("CPUUtilization", "Average", time.Hour)
	least, most := stat("CPUUtilization", "Minimum", time.Hour), stat("CPUUtilization", "Maximum", time.Hour)
	if len(counts) != 10 {
		t.Fatalf("%d hours, want 10", len(counts))
	}
	for n := range counts {
		if math.Abs(sums[n]-averages[n]*counts[n]) > 1e-6 || least[n] > averages[n] || averages[n] > most[n] || most[n] > 100 || least[n] < 0 {
			t.Errorf("hour %d: count %v, sum %v, average %v, from %v to %v", n, counts[n], sums[n], averages[n], least[n], most[n])
		}
	}
	if fine := stat("CPUUtilization", "Sum", 5*time.Minute); len(fine) != 120 || math.Abs(sum(fine)-sum(sums)) > 1e-6 {
		t.Errorf("%d periods of 5 minutes sum up to %v, those of an hour to %v", len(fine), sum(fine), sum(sums))
	}
	if got := stat("CPUSurplusCreditsCharged", "Sum", time.Hour); len(got) != 0 {
		t.Errorf("an m5 has CPU credits: %v", got)
	}
	if got := stat("NoSuchMetric", "Sum", time.Hour); len(got) != 0 {
		t.Errorf("an unknown metric has data: %v", got)
	}
	if got := stat("NetworkIn", "Sum", time.Hour); sum(got) == 0 {
		t.Error("no network traffic")
	}
}

// TestSurplusCreditsAreBilled: what CloudWatch counts is what Cost Explorer
// charges for.
func TestSurplusCreditsAreBilled(t *testing.T) {
	a := open(t, sandbox.Options{})
	to := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	from := to.AddDate(0, 0, -12)
	billed := map[string]float64{}
	for _, g := range a.costByResource(from, to, "DAILY") {
		if strings.Contains(g.usage, "CPUCredits") {
			billed[g.resource] += g.quantity
		}
	}
	found := 0
	for _, name := range []string{"개발-웹서버-1", "개발-웹서버-2", "스테이징-API", "vpn-gateway", "rds-standby", "old-archive"} {
		id := a.id(name)
		values, _ := a.metrics(sandbox.DefaultRegion, from, to, metricOf(id, "CPUSurplusCreditsCharged", "Sum", time.Hour))
		credits := sum(values["m"+strings.ReplaceAll(id, "-", "_")])
		if math.Abs(credits/60-billed[id]) > 1e-6 {
			t.Errorf("%s: %v credits are %v vCPU-hours, billed are %v", name, credits, credits/60, billed[id])
		}
		if credits > 0 {
			found++
		}
	}
	if found < 4 {
		t.Errorf("%d instances were charged for surplus credits", found)
	}
}

// TestMetricPages cuts many data points into pages.
func TestMetricPages(t *testing.T) {
	a := open(t, sandbox.Options{})
	ids := []string{a.id("운영-웹-1"), a.id("운영-웹-2"), a.id("운영-DB-1")}
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(a.Now().Add(-48 * time.Hour)), EndTime: aws.Time(a.Now()), MaxDatapoints: aws.Int32(70),
	}
	for _, id := range ids {
		in.MetricDataQueries = append(in.MetricDataQueries, metricOf(id, "CPUUtilization", "SampleCount", time.Hour))
	}
	var last time.Time
	points, pages, partial := map[string]int{}, 0, 0
	client := a.cloudWatch(sandbox.DefaultRegion)
	for {
		out, err := client.GetMetricData(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		size := 0
		for _, r := range out.MetricDataResults {
			points[*r.Id] += len(r.Values)
			size += len(r.Values)
			if r.StatusCode == types.StatusCodePartialData {
				partial++
			}
			if n := len(r.Timestamps); n > 1 && !r.Timestamps[0].After(r.Timestamps[n-1]) {
				t.Error("the newest point is not first")
			}
			last = r.Timestamps[len(r.Timestamps)-1]
		}
		if size > 70 {
			t.Errorf("page %d has %d data points", pages, size)
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	if pages != 3 || partial != 2 || len(points) != 3 || !last.Equal(a.Now().Add(-48*time.Hour)) {
		t.Errorf("%d pages, %d results cut, %v points, the last at %v", pages, partial, points, last)
	}
	in.StartTime = aws.Time(a.Now().Add(-47 * time.Hour))
	in.NextToken = aws.String("bm90IG9uZQ==")
	if _, err := client.GetMetricData(t.Context(), in); code(err) != "InvalidNextToken" {
		t.Errorf("a token of nothing: %v", err)
	}
}

// TestMetricsFade: fine data points are not kept for long.
func TestMetricsFade(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("vpn-gateway")
	for _, tt := range []struct {
		days   int
		period time.Duration
		want   int
	}{
		{14, time.Minute, 12},
		{16, time.Minute, 0},
		{16, 5 * time.Minute, 12},
		{62, 5 * time.Minute, 12},
		{64, 5 * time.Minute, 0},
		{64, time.Hour, 1},
		{300, time.Hour, 1},
		{460, time.Hour, 0},
	} {
		from := a.Now().AddDate(0, 0, -tt.days)
		values, _ := a.metrics(sandbox.DefaultRegion, from, from.Add(time.Hour), metricOf(id, "CPUUtilization", "SampleCount", tt.period))
		if got := len(values["m"+strings.ReplaceAll(id, "-", "_")]); got != tt.want {
			t.Errorf("%d days ago by %v: %d data points, want %d", tt.days, tt.period, got, tt.want)
		}
	}
}

// TestMetricRequestsRefused asks for what CloudWatch refuses.
func TestMetricRequestsRefused(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("운영-웹-1")
	client := a.cloudWatch(sandbox.DefaultRegion)
	good := func() *cloudwatch.GetMetricDataInput {
		return &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(a.Now().Add(-time.Hour)), EndTime: aws.Time(a.Now()),
			MetricDataQueries: []types.MetricDataQuery{metricOf(id, "CPUUtilization", "SampleCount", time.Hour)},
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*cloudwatch.GetMetricDataInput)
		code   string
		says   string
	}{
		{"the end before the start", func(in *cloudwatch.GetMetricDataInput) { in.StartTime, in.EndTime = in.EndTime, in.StartTime }, "ValidationError", "must be less than"},
		{"no time", func(in *cloudwatch.GetMetricDataInput) { in.EndTime = in.StartTime }, "ValidationError", "must not equal"},
		{"501 metrics", func(in *cloudwatch.GetMetricDataInput) {
			for n := range 500 {
				q := in.MetricDataQueries[0]
				q.Id = aws.String(fmt.Sprintf("m%d", n))
				in.MetricDataQueries = append(in.MetricDataQueries, q)
			}
		}, "ValidationError", "size greater than 500"},
		{"the same id twice", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = append(in.MetricDataQueries, in.MetricDataQueries[0])
		}, "ValidationError", "not unique"},
		{"an id with a capital", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries[0].Id = aws.String("M1") }, "ValidationError", "pattern"},
		{"90 seconds", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries[0].MetricStat.Period = aws.Int32(90) }, "InvalidParameterValue", "multiple of 60"},
		{"a statistic of its own", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries[0].MetricStat.Stat = aws.String("Median")
		}, "InvalidParameterValue", "Median"},
		{"too many points", func(in *cloudwatch.GetMetricDataInput) { in.MaxDatapoints = aws.Int32(100_801) }, "ValidationError", "100800"},
		{"metric math", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{Id: aws.String("e1"), Expression: aws.String("m1*2")})
		}, "ValidationError", "e1"},
	} {
		in := good()
		tt.change(in)
		if _, err := client.GetMetricData(t.Context(), in); code(err) != tt.code || !strings.Contains(message(err), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	most := good()
	for n := range 499 {
		q := most.MetricDataQueries[0]
		q.Id = aws.String(fmt.Sprintf("m%d", n))
		most.MetricDataQueries = append(most.MetricDataQueries, q)
	}
	if out, err := client.GetMetricData(t.Context(), most); err != nil || len(out.MetricDataResults) != 500 {
		t.Errorf("500 metrics: %v", err)
	}

	if err := a.SetPolicy(sandbox.PolicyDenying("cloudwatch:GetMetricData")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetMetricData(t.Context(), good()); code(err) != "AccessDenied" && code(err) != "AccessDeniedException" {
		t.Errorf("without permission: %v", err)
	}
	if err := a.SetPolicy(nil); err != nil {
		t.Fatal(err)
	}
	if err := a.SetFaults([]sandbox.Fault{{Action: "monitoring:*", Kind: sandbox.Throttle, Count: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetMetricData(t.Context(), good()); !strings.HasPrefix(code(err), "Throttling") {
		t.Errorf("throttled: %v", err)
	}
}

// TestMetricsInOlderProtocols asks as clients did before CBOR, and holds their
// answers against the one in CBOR.
func TestMetricsInOlderProtocols(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-웹서버-1")
	from, to := a.Now().Add(-24*time.Hour), a.Now()
	values, _ := a.metrics(sandbox.DefaultRegion, from, to, metricOf(id, "CPUUtilization", "SampleCount", 24*time.Hour))
	want := fmt.Sprint(values["m"+strings.ReplaceAll(id, "-", "_")][0])

	form := fmt.Sprintf("Action=GetMetricData&Version=2010-08-01&StartTime=%s&EndTime=%s&MetricDataQueries.member.1.Id=m1"+
		"&MetricDataQueries.member.1.MetricStat.Metric.Namespace=AWS%%2FEC2&MetricDataQueries.member.1.MetricStat.Metric.MetricName=CPUUtilization"+
		"&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=InstanceId&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=%s"+
		"&MetricDataQueries.member.1.MetricStat.Period=86400&MetricDataQueries.member.1.MetricStat.Stat=SampleCount",
		from.Format(time.RFC3339), to.Format(time.RFC3339), id)
	status, _, body := a.send("monitoring", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if status != http.StatusOK || !strings.Contains(body, "<member>"+want+"</member>") || !strings.Contains(body, "<StatusCode>Complete</StatusCode>") {
		t.Errorf("as a form: HTTP %d, want %s samples in\n%s", status, want, body)
	}
	status, _, body = a.send("monitoring", strings.ReplaceAll(form, "86400", "90"), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if status != http.StatusBadRequest || !strings.Contains(body, "<Code>InvalidParameterValue</Code>") {
		t.Errorf("a wrong form: HTTP %d\n%s", status, body)
	}

	document := fmt.Sprintf(`{"StartTime":%d,"EndTime":%d,"MetricDataQueries":[{"Id":"m1","MetricStat":{"Metric":{"Namespace":"AWS/EC2",
		"MetricName":"CPUUtilization","Dimensions":[{"Name":"InstanceId","Value":"%s"}]},"Period":86400,"Stat":"SampleCount"}}]}`, from.Unix(), to.Unix(), id)
	asJSON := http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"GraniteServiceVersion20100801.GetMetricData"}}
	status, _, body = a.send("monitoring", document, asJSON)
	if status != http.StatusOK || !strings.Contains(body, `"Values":[`+want+`]`) {
		t.Errorf("as JSON: HTTP %d, want %s samples in\n%s", status, want, body)
	}
	status, header, body := a.send("monitoring", strings.Replace(document, "86400", "90", 1), asJSON)
	if status != http.StatusBadRequest || !strings.Contains(body, "InvalidParameterValueException") || header.Get("X-Amzn-Query-Error") != "InvalidParameterValue;Sender" {
		t.Errorf("wrong JSON: HTTP %d, %q\n%s", status, header.Get("X-Amzn-Query-Error"), body)
	}
}
