package cloudwatch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"nightshift/internal/sandbox/wire"
)

// GetMetricData's input and output, in the names of CloudWatch's model.
type (
	metricDataInput struct {
		MetricDataQueries  []metricQuery
		StartTime, EndTime *wire.Instant
		NextToken, ScanBy  string
		MaxDatapoints      *int64
	}
	metricQuery struct {
		ID                string `json:"Id"`
		MetricStat        *metricStat
		Expression, Label string
		ReturnData        *bool
	}
	metricStat struct {
		Metric     metricName
		Period     *int64
		Stat, Unit string
	}
	metricName struct {
		Namespace, MetricName string
		Dimensions            []metricDimension
	}
	metricDimension struct{ Name, Value string }

	metricDataOutput struct {
		MetricDataResults []metricResult
		NextToken         string `json:",omitempty"`
		Messages          []string
	}
	metricResult struct {
		ID         string `json:"Id"`
		Label      string
		Timestamps []wire.Instant
		Values     []float64
		StatusCode string
	}
)

// The limits of GetMetricData, from its reference.
const (
	mostMetricQueries = 500
	mostDatapoints    = 100_800
)

// check refuses what CloudWatch refuses, where it is known in its words.
func (in metricDataInput) check() *wire.Error {
	switch {
	case len(in.MetricDataQueries) == 0:
		return wire.Invalid("MissingParameter", "The parameter MetricDataQueries is required.")
	case in.StartTime == nil:
		return wire.Invalid("MissingParameter", "The parameter StartTime is required.")
	case in.EndTime == nil:
		return wire.Invalid("MissingParameter", "The parameter EndTime is required.")
	case len(in.MetricDataQueries) > mostMetricQueries:
		return wire.ValidationError(fmt.Sprintf("The collection MetricDataQueries must not have a size greater than %d.", mostMetricQueries))
	case in.StartTime.Equal(in.EndTime.Time):
		return wire.ValidationError("The parameter StartTime must not equal parameter EndTime.")
	case in.StartTime.After(in.EndTime.Time):
		return wire.ValidationError("The parameter StartTime must be less than the parameter EndTime.")
	case in.MaxDatapoints != nil && *in.MaxDatapoints < 1:
		return wire.ValidationError("The parameter MaxDatapoints must be greater than or equal to 1.")
	case in.MaxDatapoints != nil && *in.MaxDatapoints > mostDatapoints:
		return wire.ValidationError(fmt.Sprintf("The parameter MaxDatapoints must be less than or equal to %d.", mostDatapoints))
	case in.ScanBy != "" && in.ScanBy != "TimestampDescending" && in.ScanBy != "TimestampAscending":
		return wire.ValidationError("The parameter ScanBy must be a value in the set [TimestampDescending, TimestampAscending].")
	}
	seen := map[string]bool{}
	for n, q := range in.MetricDataQueries {
		if err := q.check(fmt.Sprintf("MetricDataQueries.member.%d", n+1)); err != nil {
			return err
		}
		if seen[q.ID] {
			return wire.ValidationError("The values for parameter id in MetricDataQueries are not unique.")
		}
		seen[q.ID] = true
	}
	return nil
}

var metricID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// metricStats are the statistics that the account has; CloudWatch has
// percentiles and trimmed means too.
func metricStats() []string { return []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"} }

func (q metricQuery) check(at string) *wire.Error {
	switch {
	case !metricID.MatchString(q.ID):
		return wire.ValidationError("The value " + q.ID + " for parameter " + at + ".Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")
	case q.Expression != "" && q.MetricStat != nil:
		return wire.ValidationError("The parameters " + at + ".MetricStat and " + at + ".Expression are mutually exclusive and you have specified both.")
	case q.Expression != "":
		return wire.ValidationError("Error in expression '" + q.ID + "': the sandbox has no metric math and no Metrics Insights.")
	case q.MetricStat == nil:
		return wire.ValidationError("The parameter " + at + " must have either MetricStat or Expression.")
	}
	s := q.MetricStat
	switch {
	case s.Metric.Namespace == "":
		return wire.Invalid("MissingParameter", "The parameter "+at+".MetricStat.Metric.Namespace is required.")
	case s.Metric.MetricName == "":
		return wire.Invalid("MissingParameter", "The parameter "+at+".MetricStat.Metric.MetricName is required.")
	case s.Period == nil:
		return wire.Invalid("MissingParameter", "The parameter "+at+".MetricStat.Period is required.")
	case *s.Period < 1 || *s.Period%60 != 0 && !slices.Contains([]int64{1, 5, 10, 20, 30}, *s.Period):
		return wire.Invalid("InvalidParameterValue", "The parameter "+at+".MetricStat.Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
	case s.Stat == "":
		return wire.Invalid("MissingParameter", "The parameter "+at+".MetricStat.Stat is required.")
	case !slices.Contains(metricStats(), s.Stat):
		return wire.Invalid("InvalidParameterValue", "The value "+s.Stat+" for parameter "+at+".MetricStat.Stat is not supported. The sandbox has "+
			strings.Join(metricStats(), ", ")+".")
	}
	return nil
}
