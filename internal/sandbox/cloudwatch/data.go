package cloudwatch

import (
	"cmp"
	"slices"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// metricData answers GetMetricData.
func metricData(r *state.Region, in metricDataInput, now time.Time) (metricDataOutput, *wire.Error) {
	var out metricDataOutput
	if err := in.check(); err != nil {
		return out, err
	}
	token := in.NextToken
	in.NextToken = ""
	mark := wire.Bookmark{Request: wire.QueryDigest("GetMetricData", in), Known: now}
	if token != "" {
		given, ok := wire.ReadBookmark(token)
		if !ok || given.Request != mark.Request || given.Step >= len(in.MetricDataQueries) {
			return out, wire.Invalid("InvalidNextToken", "The next token is not valid for this request.")
		}
		mark = given
	}
	free := mostDatapoints
	if in.MaxDatapoints != nil {
		free = int(*in.MaxDatapoints)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	for n, q := range in.MetricDataQueries {
		if n < mark.Step || q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		points := series(r, *q.MetricStat, in.StartTime.Time, in.EndTime.Time, mark.Known)
		if in.ScanBy != "TimestampAscending" {
			slices.Reverse(points)
		}
		skip := 0
		if n == mark.Step {
			skip = min(mark.Skip, len(points))
		}
		taken := min(len(points)-skip, free)
		result := metricResult{
			ID: q.ID, Label: cmp.Or(q.Label, q.MetricStat.Metric.MetricName), StatusCode: "Complete",
			Timestamps: make([]wire.Instant, taken), Values: make([]float64, taken),
		}
		for k, p := range points[skip : skip+taken] {
			result.Timestamps[k], result.Values[k] = wire.Instant{Time: p.At}, p.Stat(q.MetricStat.Stat)
		}
		free -= taken
		if skip+taken < len(points) {
			result.StatusCode = "PartialData"
			mark.Step, mark.Skip = n, skip+taken
			out.NextToken = mark.Encode()
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
		if out.NextToken != "" {
			break
		}
	}
	return out, nil
}

// How long CloudWatch keeps data points of less than 5 minutes, of less than an
// hour, and all others, from the reference of GetMetricData.
const (
	retainMinutes     = 15 * state.Day
	retainFiveMinutes = 63 * state.Day
	retainHours       = 455 * state.Day
)

// retention is for how long data points with a period are to be had.
func retention(period time.Duration) time.Duration {
	switch {
	case period%time.Hour == 0:
		return retainHours
	case period%(5*time.Minute) == 0:
		return retainFiveMinutes
	case period%time.Minute == 0:
		return retainMinutes
	}
	return 0 // shorter ones need metrics of a high resolution
}

// roundedStart is the start of the first period: CloudWatch rounds it down, the
// more the longer it is ago.
func roundedStart(start, now time.Time) time.Time {
	switch age := now.Sub(start); {
	case age > retainFiveMinutes:
		return start.Truncate(time.Hour)
	case age > retainMinutes:
		return start.Truncate(5 * time.Minute)
	}
	return start.Truncate(time.Minute)
}

// series are the data points of a metric, in order; none for a metric or a
// resource that is not there. Periods begin at the rounded start.
func series(r *state.Region, s metricStat, start, end, now time.Time) []state.Datapoint {
	m, found := findMetric(r, s.Metric, now)
	if !found || s.Unit != "" && s.Unit != m.Unit {
		return nil
	}
	period := time.Duration(*s.Period) * time.Second
	start = roundedStart(start, now)
	if oldest := now.Add(-retention(period)); start.Before(oldest) {
		start = start.Add((oldest.Sub(start) + period - 1) / period * period)
	}
	// A sample is there once the time that it is about is over.
	end = state.Earlier(end, now.Add(time.Second-m.Every))
	var points []state.Datapoint
	for one := range m.Runs(start, end) {
		for begin := start.Add(one.From.Sub(start) / period * period); begin.Before(one.To); begin = begin.Add(period) {
			p := m.Sample(state.Later(begin, one.From), state.Earlier(begin.Add(period), one.To), s.Stat == "SampleCount")
			if p.Count == 0 {
				continue
			}
			p.At = begin
			if last := len(points) - 1; last >= 0 && points[last].At.Equal(begin) {
				points[last].Add(p)
			} else {
				points = append(points, p)
			}
		}
	}
	return points
}

// findMetric finds a metric. Its name must come with the one dimension that it has.
func findMetric(r *state.Region, m metricName, now time.Time) (state.Metric, bool) {
	if len(m.Dimensions) != 1 {
		return state.Metric{}, false
	}
	d := m.Dimensions[0]
	switch {
	case m.Namespace == "AWS/EC2" && d.Name == "InstanceId":
		if i := r.Instances[d.Value]; i != nil {
			i.Settle(now)
			return i.Metric(m.MetricName)
		}
	case m.Namespace == "AWS/EBS" && d.Name == "VolumeId":
		if v := r.Volumes[d.Value]; v != nil {
			return v.Metric(m.MetricName)
		}
	}
	return state.Metric{}, false
}
