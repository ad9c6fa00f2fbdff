package amazon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// reading is what has been read of the bill in a span of whole steps, which are
// hours or days of UTC.
type reading struct {
	account     fleet.Account
	now         time.Time
	granularity types.Granularity
	layout      string // of times in requests and answers
	step        time.Duration
	span        fleet.Span

	lines     []price.BillLine
	reached   time.Time // the end of the last step that the answer has
	last      time.Time // the end of the last step with any usage
	estimated time.Time // the start of the first one that is estimated; zero where none is
}

// byHour asks for an hour less than is kept, which would else be over when the
// request arrives.
func byHour(account fleet.Account, now time.Time, span fleet.Span) *reading {
	r := &reading{account: account, now: now, granularity: types.GranularityHourly, layout: "2006-01-02T15:04:05Z", step: time.Hour}
	return r.over(span, now.Add(time.Hour-kept))
}

func byDay(account fleet.Account, now time.Time, span fleet.Span) *reading {
	r := &reading{account: account, now: now, granularity: types.GranularityDaily, layout: time.DateOnly, step: 24 * time.Hour}
	return r.over(span, now.Add(-kept).Truncate(r.step))
}

// over takes the whole steps that lie in the span, in the past, and after the
// first for which something is kept.
func (r *reading) over(span fleet.Span, first time.Time) *reading {
	span = span.Within(fleet.Span{From: first, To: r.now})
	r.span = fleet.Span{From: span.From.UTC().Add(r.step - 1).Truncate(r.step), To: span.To.UTC().Truncate(r.step)}
	return r
}

// pages is how many pages the reading is likely to have when the first has been
// read. Pages are in the order of time.
func (r *reading) pages() int {
	covered := max(r.reached.Sub(r.span.From), r.step)
	return int((r.span.Length() + covered - 1) / covered)
}

// complete is the span whose whole usage the lines are.
func (r *reading) complete(err error) fleet.Span {
	whole := fleet.Span{From: r.span.From, To: r.last}
	if !r.estimated.IsZero() {
		sure := r.now.Add(-settled).UTC().Truncate(r.step)
		if r.estimated.After(sure) {
			sure = r.estimated
		}
		whole = whole.Within(fleet.Span{From: whole.From, To: sure})
	}
	if err != nil || whole.Length() == 0 {
		return fleet.Span{}
	}
	return whole
}

// add takes over what was charged in a step.
func (r *reading) add(result types.ResultByTime) error {
	period := types.DateInterval{}
	if result.TimePeriod != nil {
		period = *result.TimePeriod
	}
	start, err := time.Parse(r.layout, aws.ToString(period.Start))
	if err != nil {
		return unreadable("start", aws.ToString(period.Start))
	}
	end, err := time.Parse(r.layout, aws.ToString(period.End))
	if err != nil {
		return unreadable("end", aws.ToString(period.End))
	}
	if result.Estimated && (r.estimated.IsZero() || start.Before(r.estimated)) {
		r.estimated = start
	}
	if end.After(r.reached) {
		r.reached = end
	}
	if len(result.Groups) > 0 && end.After(r.last) {
		r.last = end
	}
	for _, g := range result.Groups {
		if len(g.Keys) != 2 {
			return unreadable("group", strings.Join(g.Keys, " "))
		}
		id := g.Keys[0][strings.LastIndexByte(g.Keys[0], '/')+1:] // where it is an ARN, too
		if !strings.HasPrefix(id, "i-") || !price.IsRunning(g.Keys[1]) {
			continue
		}
		line := price.BillLine{Account: r.account, Resource: id, UsageType: g.Keys[1], Start: start, End: end, Unit: "Hrs"}
		if err := amounts(&line, g.Metrics); err != nil {
			return err
		}
		r.lines = append(r.lines, line)
	}
	return nil
}

// amounts takes over the metrics of a group.
func amounts(line *price.BillLine, metrics map[string]types.MetricValue) error {
	quantity := aws.ToString(metrics["UsageQuantity"].Amount)
	hours, err := strconv.ParseFloat(quantity, 64)
	if err != nil {
		return unreadable("quantity", quantity)
	}
	line.Quantity = hours
	if line.Billed, err = dollars(metrics["UnblendedCost"]); err != nil {
		return err
	}
	if _, there := metrics["AmortizedCost"]; there {
		effective, err := dollars(metrics["AmortizedCost"])
		if err != nil {
			return err
		}
		line.Effective = &effective
	}
	return nil
}

// dollars reads an amount with any number of decimals and rounds it to
// 1e-10 USD, half away from zero.
func dollars(value types.MetricValue) (price.USD, error) {
	if unit := aws.ToString(value.Unit); unit != "USD" {
		return 0, fleet.Errorf(fleet.ErrUnsupported, "the bill is in %q; only USD can be used", unit)
	}
	amount, err := price.RoundUSD(aws.ToString(value.Amount))
	if err != nil {
		return 0, unreadable("amount", aws.ToString(value.Amount))
	}
	return amount, nil
}

func unreadable(what, text string) error {
	return fleet.Errorf(fleet.ErrUnavailable, "ce:GetCostAndUsageWithResources: the %s %q cannot be read", what, fmt.Sprintf("%.40s", text))
}
