package amazon

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func utc(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// What is asked for lies in the span, in the past and in what Cost Explorer
// keeps, in whole hours or days.
func TestReadingSpans(t *testing.T) {
	const now = "2026-11-22 14:30:05"
	for name, tt := range map[string]struct {
		from, to, hours, days string
	}{
		"the month so far":       {"2026-10-31 15:00:00", now, "2026-11-08 16:00:00 14:00:00", "2026-11-08 00:00:00 2026-11-22"},
		"some days":              {"2026-11-12 05:30:00", "2026-11-14 00:00:00", "2026-11-12 06:00:00 00:00:00", "2026-11-13 00:00:00 2026-11-14"},
		"the future":             {"2026-11-21 23:00:00", "2026-12-01 00:00:00", "2026-11-21 23:00:00 14:00:00", "2026-11-22 00:00:00 2026-11-22"},
		"less than an hour":      {"2026-11-22 13:10:00", "2026-11-22 13:50:00", "none", "none"},
		"what is no longer kept": {"2026-10-01 00:00:00", "2026-11-01 00:00:00", "none", "none"},
	} {
		span := fleet.Span{From: utc(t, tt.from), To: utc(t, tt.to)}
		hours, days := byHour("", utc(t, now), span).span, byDay("", utc(t, now), span).span
		got := "none"
		if hours.Length() > 0 {
			got = hours.From.Format("2006-01-02 15:04:05") + " " + hours.To.Format("15:04:05")
		}
		if got != tt.hours {
			t.Errorf("%s: hours %s, want %s", name, got, tt.hours)
		}
		got = days.From.Format("2006-01-02 15:04:05") + " " + days.To.Format(time.DateOnly)
		if days.Length() == 0 && tt.days == "none" {
			got = "none"
		}
		if got != tt.days {
			t.Errorf("%s: days %s, want %s", name, got, tt.days)
		}
	}
}

// What is asked for by the hour is never refused as too old, whenever the
// request is made and a little later arrives.
func TestReadingIsCached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "now"), 0).UTC()
		span := fleet.Span{From: now.Add(-time.Duration(rapid.IntRange(0, 40*24*60).Draw(t, "ago")) * time.Minute), To: now}
		arrives := now.Add(59 * time.Minute)
		for _, r := range []*reading{byHour("", now, span), byDay("", now, span)} {
			if r.span.Length() == 0 {
				continue
			}
			if r.granularity == types.GranularityHourly && arrives.Sub(r.span.From) > kept {
				t.Fatalf("at %s the bill is asked for from %s on", now, r.span.From)
			}
			if r.span.From.Before(span.From) || r.span.To.After(now) || r.span.From.Truncate(r.step) != r.span.From || r.span.Length()%r.step != 0 {
				t.Fatalf("%s to %s is read as %s to %s", span.From, span.To, r.span.From, r.span.To)
			}
		}
	})
}

// group is what was charged to a resource for a usage type.
func group(resource, usageType, quantity, unblended, amortized string) types.Group {
	value := func(amount, unit string) types.MetricValue { return types.MetricValue{Amount: &amount, Unit: &unit} }
	return types.Group{Keys: []string{resource, usageType}, Metrics: map[string]types.MetricValue{
		"UsageQuantity": value(quantity, "Hrs"), "UnblendedCost": value(unblended, "USD"), "AmortizedCost": value(amortized, "USD"),
	}}
}

func day(n int, estimated bool, groups ...types.Group) types.ResultByTime {
	date := func(n int) *string { return aws.String(fmt.Sprintf("2026-11-%02d", n)) }
	return types.ResultByTime{TimePeriod: &types.DateInterval{Start: date(n), End: date(n + 1)}, Estimated: estimated, Groups: groups}
}

func TestReadingLines(t *testing.T) {
	now := utc(t, "2026-11-22 14:30:05")
	r := byDay("123456789012", now, fleet.Span{From: utc(t, "2026-11-10 00:00:00"), To: now})
	err := r.add(day(11, false,
		group("i-0a", "APN2-BoxUsage:m5.large", "23.9836111111", "2.83006611110", "1.98104627778"),
		group("i-0a", "APN2-CPUCredits:t3", "1.5", "0.075", "0.075"),
		group("i-0a", "APN2-EBSOptimized:m3.large", "24", "0.6", "0.6"),
		group("NoResourceId", "APN2-BoxUsage:m5.large", "24", "0", "0"),
		group("arn:aws:ec2:us-east-1:123456789012:instance/i-0b", "SpotUsage:c5.large", "24", "1e-11", "0.00000000005"),
		group("i-0c", "EU-DedicatedUsage:m5.large", "0", "-0.0000000001", "0"),
		group("i-0d", "BoxUsage", "1", "0.06", "0.06"),
		group("i-0e", "EUC1-HostBoxUsage:m5.large", "24", "0", "0"),
		group("h-0f", "EUC1-HostUsage:m5", "24", "130", "130"),
		group("i-0a", "APN2-DataTransfer-Out-Bytes", "3", "0.3", "0.3"),
	))
	if err != nil {
		t.Fatal(err)
	}
	line := func(id, usage string, hours float64, billed, effective price.USD) price.BillLine {
		return price.BillLine{
			Account: "123456789012", Resource: id, UsageType: usage, Quantity: hours, Unit: "Hrs", Billed: billed, Effective: &effective,
			Start: utc(t, "2026-11-11 00:00:00"), End: utc(t, "2026-11-12 00:00:00"),
		}
	}
	want := []price.BillLine{
		line("i-0a", "APN2-BoxUsage:m5.large", 23.9836111111, 2_83006_61111, 1_98104_62778),
		line("i-0b", "SpotUsage:c5.large", 24, 0, 1),
		line("i-0c", "EU-DedicatedUsage:m5.large", 0, -1, 0),
		line("i-0d", "BoxUsage", 1, 600_000_000, 600_000_000),
		line("i-0e", "EUC1-HostBoxUsage:m5.large", 24, 0, 0),
	}
	if diff := cmp.Diff(want, r.lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The lines are whole as far as there is usage and Cost Explorer is sure of it,
// or two days have passed.
func TestReadingComplete(t *testing.T) {
	now := utc(t, "2026-11-22 14:30:05")
	usage := group("i-0a", "BoxUsage:m5.large", "24", "2.3", "2.3")
	for name, tt := range map[string]struct {
		days []types.ResultByTime
		want int // the day at which it ends; 0 for none
	}{
		"nothing":                            {nil, 0},
		"days without usage":                 {[]types.ResultByTime{day(10, false), day(11, false)}, 0},
		"usage to the end":                   {[]types.ResultByTime{day(10, false, usage), day(21, false, usage)}, 22},
		"no usage at the end":                {[]types.ResultByTime{day(10, false, usage), day(14, false, usage), day(15, false), day(16, true)}, 15},
		"the last days are estimated":        {[]types.ResultByTime{day(20, false, usage), day(21, true, usage)}, 21},
		"a late estimate":                    {[]types.ResultByTime{day(15, false, usage), day(18, true, usage), day(21, true, usage)}, 20},
		"the whole month is estimated":       {[]types.ResultByTime{day(10, true, usage), day(21, true, usage)}, 20},
		"estimated long ago, nothing since":  {[]types.ResultByTime{day(10, true, usage), day(11, true, usage)}, 12},
		"several pages in no order of times": {[]types.ResultByTime{day(21, true, usage), day(20, false, usage), day(21, true, usage)}, 21},
	} {
		r := byDay("", now, fleet.Span{From: utc(t, "2026-11-10 00:00:00"), To: now})
		for _, d := range tt.days {
			if err := r.add(d); err != nil {
				t.Fatal(err)
			}
		}
		want := fleet.Span{}
		if tt.want > 0 {
			want = fleet.Span{From: utc(t, "2026-11-10 00:00:00"), To: time.Date(2026, 11, tt.want, 0, 0, 0, 0, time.UTC)}
		}
		if got := r.complete(nil); got != want {
			t.Errorf("%s: %v to %v, want to %d", name, got.From, got.To, tt.want)
		}
		if got := r.complete(errors.New("the second page failed")); got != (fleet.Span{}) {
			t.Errorf("%s: complete after an error: %v", name, got)
		}
	}
}

// What cannot be read is an error, never a zero.
func TestReadingRefuses(t *testing.T) {
	yuan := group("i-0a", "BoxUsage:m5.large", "24", "2.3", "2.3")
	yuan.Metrics["AmortizedCost"] = types.MetricValue{Amount: aws.String("2.3"), Unit: aws.String("CNY")}
	undated := day(10, false)
	undated.TimePeriod = nil
	for name, tt := range map[string]struct {
		result types.ResultByTime
		kind   error
	}{
		"a currency":     {day(10, false, yuan), fleet.ErrUnsupported},
		"no time":        {undated, fleet.ErrUnavailable},
		"no quantity":    {day(10, false, group("i-0a", "BoxUsage:m5.large", "", "2.3", "2.3")), fleet.ErrUnavailable},
		"no amount":      {day(10, false, group("i-0a", "BoxUsage:m5.large", "1", "two", "2.3")), fleet.ErrUnavailable},
		"a huge amount":  {day(10, false, group("i-0a", "BoxUsage:m5.large", "1", "1e30", "2.3")), fleet.ErrUnavailable},
		"another group":  {day(10, false, types.Group{Keys: []string{"i-0a"}}), fleet.ErrUnavailable},
		"a vast amount":  {day(10, false, group("i-0a", "BoxUsage:m5.large", "1", "1e999999999", "2.3")), fleet.ErrUnavailable},
		"without prices": {day(10, false, types.Group{Keys: []string{"i-0a", "BoxUsage:m5.large"}}), fleet.ErrUnavailable},
	} {
		r := byDay("", utc(t, "2026-11-22 14:30:05"), fleet.Span{})
		if err := r.add(tt.result); !errors.Is(err, tt.kind) || len(r.lines) != 0 {
			t.Errorf("%s: %v and %v, want %v", name, err, r.lines, tt.kind)
		}
	}
}
