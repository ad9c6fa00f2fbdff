package amazon

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
)

// asked is a CloudWatch that answers one metric a page, in two pages each, and
// says of single metrics that it could not read them: as many times as the fault
// says.
func asked(broken map[string]int, requests *[][]string) operation[cloudwatch.GetMetricDataInput, cloudwatch.GetMetricDataOutput] {
	return func(_ context.Context, in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
		page := 0
		if token := aws.ToString(in.NextToken); token == "" {
			var ids []string
			for _, q := range in.MetricDataQueries {
				ids = append(ids, *q.MetricStat.Metric.Dimensions[0].Value)
			}
			*requests = append(*requests, ids)
		} else if _, err := fmt.Sscan(token, &page); err != nil {
			return nil, err
		}
		q := in.MetricDataQueries[page/2]
		id := *q.MetricStat.Metric.Dimensions[0].Value
		at := in.StartTime.Add(time.Duration(1-page%2) * time.Hour) // the later hour comes first
		r := types.MetricDataResult{Id: q.Id, Timestamps: []time.Time{at}, Values: []float64{float64(12 - page%2)}, StatusCode: types.StatusCodePartialData}
		if page%2 == 1 {
			r.StatusCode = types.StatusCodeComplete
			if broken[id] > 0 {
				broken[id]--
				r = types.MetricDataResult{Id: q.Id, StatusCode: types.StatusCodeInternalError}
			}
		}
		out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{r}}
		if page++; page < 2*len(in.MetricDataQueries) {
			out.NextToken = aws.String(fmt.Sprint(page))
		}
		return out, nil
	}
}

// Points of several pages are added up, metrics that could not be read are asked
// for once more, and what is still missing then is absent and reported: half an
// answer is none.
func TestMetricPages(t *testing.T) {
	from := utc(t, "2026-11-01 00:00:00")
	instances := []fleet.Sampled{{ID: "i-a"}, {ID: "i-b"}, {ID: "i-c"}}
	whole := 23 * 5 * time.Minute
	for name, tt := range map[string]struct {
		broken   map[string]int
		want     map[fleet.ResourceID]time.Duration
		requests [][]string
		kind     error
	}{
		"all": {nil, map[fleet.ResourceID]time.Duration{"i-a": whole, "i-b": whole, "i-c": whole}, [][]string{{"i-a", "i-b", "i-c"}}, nil},
		"some at the second try": {
			map[string]int{"i-b": 1},
			map[fleet.ResourceID]time.Duration{"i-a": whole, "i-b": whole, "i-c": whole},
			[][]string{{"i-a", "i-b", "i-c"}, {"i-b"}},
			nil,
		},
		"some not": {
			map[string]int{"i-a": 1, "i-c": 2},
			map[fleet.ResourceID]time.Duration{"i-a": whole, "i-b": whole},
			[][]string{{"i-a", "i-b", "i-c"}, {"i-a", "i-c"}},
			fleet.ErrUnavailable,
		},
	} {
		var requests [][]string
		m := &Metrics{budget: NewBudget(1000), getMetricData: asked(tt.broken, &requests)}
		got, err := m.Running(t.Context(), instances, from, from.Add(2*time.Hour))
		if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
		if diff := cmp.Diff(tt.requests, requests); diff != "" {
			t.Errorf("%s: requests (-want +got)\n%s", name, diff)
		}
	}
}

// A request that fails on a later page leaves what is complete.
func TestMetricPageFails(t *testing.T) {
	var requests [][]string
	answer := asked(nil, &requests)
	m := &Metrics{budget: NewBudget(1000), getMetricData: func(ctx context.Context, in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
		if aws.ToString(in.NextToken) == "3" {
			return nil, fleet.Errorf(fleet.ErrThrottled, "too fast")
		}
		return answer(ctx, in)
	}}
	from := utc(t, "2026-11-01 00:00:00")
	got, err := m.Surplus(t.Context(), []fleet.ResourceID{"i-a", "i-b", "i-c"}, from, from.Add(2*time.Hour))
	if diff := cmp.Diff(map[fleet.ResourceID]float64{"i-a": 23}, got); diff != "" || !errors.Is(err, fleet.ErrThrottled) {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := m.Surplus(t.Context(), []fleet.ResourceID{"i-a"}, from, from); err != nil || len(got) != 0 || len(requests) != 1 {
		t.Errorf("of no time at all: %v, %v in %d requests", got, err, len(requests))
	}
}
