package amazon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"nightshift/internal/fleet"
)

// Limits of GetMetricData, by the CloudWatch API Reference.
const (
	metricsPerCall = 500
	pointsPerPage  = 100_800
)

// Samples that EC2 sends of an instance while it runs.
const (
	basic    = 5 * time.Minute
	detailed = time.Minute
)

// Metrics is the CloudWatch of one account and region. GetMetricData is paid by
// the metric that is asked for, which is what the budget counts.
type Metrics struct {
	budget        *Budget
	getMetricData operation[cloudwatch.GetMetricDataInput, cloudwatch.GetMetricDataOutput]
}

// Metrics gives access to the metrics of a region.
func (s *Session) Metrics(region fleet.Region, budget *Budget) *Metrics {
	return &Metrics{
		budget:        budget,
		getMetricData: capture(s, "cloudwatch:GetMetricData", cloudwatch.NewFromConfig(s.in(region)).GetMetricData),
	}
}

// Running counts for how long instances ran between two instants, by the
// samples of their CPU utilization: one every five minutes, or, with detailed
// monitoring, one a minute. It is in whole minutes and at most the time between
// the two. A start between two quarters of an hour counts from the earlier one.
//
// Detailed monitoring may have been switched on or off meanwhile: more than
// twelve samples an hour come only with it, and two hours in a row with exactly
// twelve only without it.
//
// An instance without samples has run for 0. One that is not in the answer could
// not be asked for; the error says why, and is [fleet.ErrCapped] where the
// budget is used up.
func (m *Metrics) Running(ctx context.Context, instances []fleet.Sampled, from, to time.Time) (map[fleet.ResourceID]time.Duration, error) {
	known := make(map[fleet.ResourceID]time.Duration, len(instances))
	monitored := make(map[fleet.ResourceID]bool, len(instances))
	ids := make([]fleet.ResourceID, 0, len(instances))
	for _, i := range instances {
		monitored[i.ID] = i.Detailed
		ids = append(ids, i.ID)
	}
	q := question{name: "CPUUtilization", statistic: "SampleCount", span: fleet.Span{From: from, To: to}}
	err := m.ask(ctx, q, ids, func(id fleet.ResourceID, points []point, period time.Duration) {
		known[id] = running(points, period, q.span, monitored[id])
	})
	return known, err
}

// running adds up the time that samples stand for. Points are in order of time.
func running(points []point, period time.Duration, span fleet.Span, monitored bool) time.Duration {
	full := float64(period / basic)
	steady := func(n, neighbour int) bool {
		return neighbour >= 0 && neighbour < len(points) && points[neighbour].value == full &&
			points[n].at.Sub(points[neighbour].at).Abs() == period
	}
	var sum time.Duration
	for n, p := range points {
		step := basic
		if p.value > full || monitored && (p.value < full || !steady(n, n-1) && !steady(n, n+1)) {
			step = detailed
		}
		within := fleet.Span{From: p.at, To: p.at.Add(period)}.Within(span)
		sum += min(time.Duration(p.value*float64(step)), within.Length())
	}
	return min(sum.Round(time.Minute), span.Length())
}

// Surplus is the number of surplus CPU credits charged to burstable instances
// between two instants, as far as CloudWatch has it by now. It answers as
// Running does.
func (m *Metrics) Surplus(ctx context.Context, ids []fleet.ResourceID, from, to time.Time) (map[fleet.ResourceID]float64, error) {
	known := make(map[fleet.ResourceID]float64, len(ids))
	q := question{name: "CPUSurplusCreditsCharged", statistic: "Sum", span: fleet.Span{From: from, To: to}}
	err := m.ask(ctx, q, ids, func(id fleet.ResourceID, points []point, _ time.Duration) {
		known[id] = 0
		for _, p := range points {
			known[id] += p.value
		}
	})
	return known, err
}

// question is a metric of instances, or of volumes, in a span of time.
type question struct {
	name, statistic string
	span            fleet.Span
	volumes         bool
	period          time.Duration // 0: the longest that fits the start
}

// point is the statistic of a metric in the period that begins at an instant.
type point struct {
	at    time.Time
	value float64
}

// periods is the longest period that divides the start of the span,
// so that none reaches back before it, with the span in whole periods. In every
// time zone of today a month begins at a quarter of an hour.
func (q question) periods() (period time.Duration, whole fleet.Span) {
	if q.period > 0 {
		return q.period, q.span
	}
	period = 15 * time.Minute
	for _, longer := range []time.Duration{time.Hour, 30 * time.Minute} {
		if q.span.From.Truncate(longer).Equal(q.span.From) {
			period = longer
			break
		}
	}
	return period, fleet.Span{From: q.span.From.Truncate(period), To: q.span.To.Add(period - 1).Truncate(period)}
}

// ask asks for a metric of many instances, as many at once as a page has points
// for, and hands over the points of each, in order of time.
func (m *Metrics) ask(ctx context.Context, q question, ids []fleet.ResourceID, report func(fleet.ResourceID, []point, time.Duration)) error {
	if q.span.Length() == 0 {
		return nil
	}
	period, whole := q.periods()
	batch := max(min(metricsPerCall, pointsPerPage/int(whole.Length()/period)), 1)
	unread := 0
	for len(ids) > 0 {
		n := min(len(ids), batch, max(m.budget.left(), 1)) // with nothing left the request is refused
		some, err := m.series(ctx, q, ids[:n])
		// Of single metrics CloudWatch may say that it could not read them.
		if missing := absent(ids[:n], some); err == nil && len(missing) > 0 {
			var again map[fleet.ResourceID][]point
			again, err = m.series(ctx, q, missing)
			maps.Copy(some, again)
			unread += len(missing) - len(again)
		}
		for id, points := range some {
			report(id, points, period)
		}
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	if unread > 0 {
		return fleet.Errorf(fleet.ErrUnavailable, "cloudwatch:GetMetricData: CloudWatch could not read %s of %d resources; try again later", q.name, unread)
	}
	return nil
}

// absent lists the instances for which there is no answer.
func absent(ids []fleet.ResourceID, answers map[fleet.ResourceID][]point) []fleet.ResourceID {
	return slices.DeleteFunc(slices.Clone(ids), func(id fleet.ResourceID) bool { _, there := answers[id]; return there })
}

// series makes one request with all its pages. Instances whose points are not
// all there are absent from the answer; after an error that is every instance
// whose points might go on.
func (m *Metrics) series(ctx context.Context, q question, ids []fleet.ResourceID) (map[fleet.ResourceID][]point, error) {
	period, whole := q.periods()
	in := &cloudwatch.GetMetricDataInput{StartTime: &whole.From, EndTime: &whole.To, ScanBy: types.ScanByTimestampAscending}
	named := make(map[string]fleet.ResourceID, len(ids))
	namespace, dimension := "AWS/EC2", "InstanceId"
	if q.volumes {
		namespace, dimension = "AWS/EBS", "VolumeId"
	}
	for n, id := range ids {
		name := fmt.Sprintf("m%d", n)
		named[name] = id
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: &name,
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: &namespace, MetricName: &q.name,
					Dimensions: []types.Dimension{{Name: &dimension, Value: aws.String(string(id))}},
				},
				Period: aws.Int32(int32(period / time.Second)), Stat: &q.statistic,
			},
		})
	}
	read, complete := map[fleet.ResourceID][]point{}, map[fleet.ResourceID]bool{}
	ctx = m.budget.charge(ctx, len(ids))
	next := func(out *cloudwatch.GetMetricDataOutput) *string { return out.NextToken }
	for out, err := range pages(ctx, m.getMetricData, in, &in.NextToken, next) {
		if err != nil {
			return only(read, complete), err
		}
		for _, r := range out.MetricDataResults {
			id, asked := named[aws.ToString(r.Id)]
			if !asked || len(r.Timestamps) != len(r.Values) {
				continue
			}
			for n, at := range r.Timestamps {
				read[id] = append(read[id], point{at, r.Values[n]})
			}
			complete[id] = r.StatusCode == types.StatusCodeComplete
		}
	}
	return only(read, complete), nil
}

// only gives the points of the instances that are complete, in order of time.
func only(read map[fleet.ResourceID][]point, complete map[fleet.ResourceID]bool) map[fleet.ResourceID][]point {
	all := make(map[fleet.ResourceID][]point, len(complete))
	for id, is := range complete {
		if is {
			all[id] = slices.SortedFunc(slices.Values(read[id]), func(a, b point) int { return a.at.Compare(b.at) })
		}
	}
	return all
}
