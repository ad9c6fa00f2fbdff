package billing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// costRequest has the members of both operations of Cost Explorer.
type costRequest struct {
	TimePeriod *struct {
		Start string
		End   string
	}
	Granularity   string
	Filter        *costExpression
	Metrics       []string
	GroupBy       []costGroup
	NextPageToken string
}

type costGroup struct {
	Type string
	Key  string
}

// costQuery is a request that has been checked.
type costQuery struct {
	costRequest
	start, end time.Time
	resources  bool // of GetCostAndUsageWithResources
}

// costMetrics are the metrics that the account has. It pays no tax on its bill
// and shares no discount with others, so that most are the same.
func costMetrics() []string {
	return []string{"AmortizedCost", "BlendedCost", "NetAmortizedCost", "NetUnblendedCost", "UnblendedCost", "UsageQuantity"}
}

// How far back Cost Explorer goes: by the resource and by the hour in days, by
// the day in months before the current one.
const (
	resourceDays = 14
	costMonths   = 13
)

// check reads a request. Refusals are in the words of Cost Explorer where they
// are known from reports of its users.
func (r costRequest) check(resources bool, now time.Time) (costQuery, *wire.Error) {
	q := costQuery{costRequest: r, resources: resources}
	if err := q.members(); err != nil {
		return q, err
	}
	if err := q.period(now); err != nil {
		return q, err
	}
	if err := q.groups(); err != nil {
		return q, err
	}
	if q.Filter != nil {
		if err := q.Filter.check(resources); err != nil {
			return q, err
		}
	}
	if !resources {
		return q, nil
	}
	byResource := q.Filter.mentions("RESOURCE_ID") ||
		slices.ContainsFunc(q.GroupBy, func(g costGroup) bool { return g.Key == "RESOURCE_ID" })
	switch {
	case !q.Filter.requires("SERVICE", computeService):
		return q, wrongCost("Filter must have SERVICE = " + computeService + ".")
	case !byResource:
		return q, wrongCost("Either group by or filter by RESOURCE_ID is required.")
	}
	return q, nil
}

// members checks what does not depend on the time.
func (q *costQuery) members() *wire.Error {
	switch {
	case q.TimePeriod == nil:
		return unsatisfied("timePeriod", "Member must not be null")
	case !slices.Contains([]string{"DAILY", "HOURLY", "MONTHLY"}, q.Granularity):
		return unsatisfied("granularity", "Member must satisfy enum value set: [DAILY, HOURLY, MONTHLY]")
	case q.resources && q.Filter == nil:
		return unsatisfied("filter", "Member must not be null")
	case len(q.Metrics) == 0:
		return unsatisfied("metrics", "Member must not be null")
	}
	for _, m := range q.Metrics {
		if !slices.Contains(costMetrics(), m) {
			return wrongCost("Metric " + m + " is not one of " + strings.Join(costMetrics(), ", ") + ".")
		}
	}
	return nil
}

// period reads the time that is asked for. Its end is not part of it.
func (q *costQuery) period(now time.Time) *wire.Error {
	for _, one := range []struct {
		text string
		into *time.Time
		name string
	}{{q.TimePeriod.Start, &q.start, "Start"}, {q.TimePeriod.End, &q.end, "End"}} {
		t, err := time.Parse(time.RFC3339, one.text)
		if err != nil {
			t, err = time.Parse(time.DateOnly, one.text)
		} else if q.Granularity != "HOURLY" {
			return wrongCost("Hourly timePeriod is not supported for this request")
		}
		if err != nil {
			return wrongCost(fmt.Sprintf("%s time %s is invalid. Valid format is: yyyy-MM-dd or, for hourly granularity, yyyy-MM-ddTHH:mm:ssZ.", one.name, one.text))
		}
		*one.into = t.UTC()
	}
	today := now.Truncate(state.Day)
	switch {
	case !q.start.Before(q.end):
		return wrongCost("Start date (and hour) should be before end date (and hour)")
	case q.start.After(now):
		return wrongCost("Start date must be equal to or no later than the current date.")
	case q.end.After(monthOf(now).AddDate(0, 1, 0)):
		return wrongCost("end date past the beginning of next month")
	case (q.resources || q.Granularity == "HOURLY") && q.start.Before(today.AddDate(0, 0, -resourceDays)):
		return wrongCost("start date is too old for hourly, the max supported days for hourly granularity is 14 days.")
	case q.start.Before(monthOf(now).AddDate(0, -costMonths, 0)):
		return wrongCost("You haven't enabled historical data beyond 14 months")
	}
	return nil
}

func (q *costQuery) groups() *wire.Error {
	if len(q.GroupBy) > 2 {
		return wrongCost("You can group by at most 2 groups.")
	}
	for _, g := range q.GroupBy {
		if g.Type != "DIMENSION" {
			return wrongCost("The sandbox groups by dimensions alone, not by " + g.Type + ".")
		}
		if err := knownDimension(g.Key, q.resources); err != nil {
			return err
		}
	}
	return nil
}

// known is up to when the account's usage has reached Cost Explorer: it is a day
// late.
func known(now time.Time) time.Time { return now.Add(-state.Day).Truncate(time.Hour) }

// slots are the spans of time of the answer. Those of months are cut at the ends
// of what is asked for.
func (q *costQuery) slots() []state.Span {
	var list []state.Span
	for at := q.start; at.Before(q.end); {
		next := at.Add(time.Hour)
		switch q.Granularity {
		case "DAILY":
			next = at.AddDate(0, 0, 1)
		case "MONTHLY":
			next = monthOf(at).AddDate(0, 1, 0)
		}
		list = append(list, state.Span{From: at, To: state.Earlier(next, q.end)})
		at = next
	}
	return list
}

// text writes an instant as the granularity wants it.
func (q *costQuery) text(t time.Time) string {
	if q.Granularity == "HOURLY" {
		return t.Format(time.RFC3339)
	}
	return t.Format(time.DateOnly)
}

func wrongCost(message string) *wire.Error { return wire.Invalid("ValidationException", message) }

func unsatisfied(member, rule string) *wire.Error {
	return wrongCost("1 validation error detected: Value at '" + member + "' failed to satisfy constraint: " + rule)
}
