// Package billing is what the account was charged: AWS Cost Explorer, and an
// export of the bill.
package billing

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// costPage is how many groups a page has at most. AWS does not say how many its
// pages have; every one costs a cent.
const costPage = 1000

// costActions are the operations of Cost Explorer that the account has, and
// whether they name resources.
func costActions() map[string]bool {
	return map[string]bool{"GetCostAndUsage": false, "GetCostAndUsageWithResources": true}
}

// Service is AWS Cost Explorer.
func Service() service.Service {
	return service.Service{
		Name: "ce", Operations: slices.Sorted(maps.Keys(costActions())),
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("Message"), Serve: serveCostExplorer,
	}
}

// serveCostExplorer answers the operations of Cost Explorer, from the same past
// as CloudWatch and EC2. An account that has not enabled Cost Explorer is a
// fault:
//
//	ce:*=deny,message=User not enabled for cost explorer access
func serveCostExplorer(r *service.Call) wire.Answer {
	resources, there := costActions()[r.Action]
	if !there {
		return r.Refuse(wire.Invalid("UnknownOperationException", "The sandbox has no "+r.Action))
	}
	if err := r.Authorize("*", &policy.Context{Region: r.Scope.Region}); err != nil {
		return r.Refuse(err)
	}
	var in costRequest
	if err := json.Unmarshal(r.Payload, &in); err != nil {
		return r.Refuse(wire.Invalid("SerializationException", "The request is not JSON: "+err.Error()))
	}
	now := r.Organization.Clock.Now()
	q, refused := in.check(resources, now)
	if refused != nil {
		return r.Refuse(refused)
	}
	out, refused := costsOf(r.Caller.Account, q, now)
	if refused != nil {
		return r.Refuse(refused)
	}
	body, err := json.Marshal(out)
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "InternalFailure", err.Error()))
	}
	return r.AnswerJSON(body)
}

// The answer of both operations, in the names of Cost Explorer's model.
type (
	costAnswer struct {
		GroupDefinitions         []costGroup `json:",omitempty"`
		ResultsByTime            []costResult
		DimensionValueAttributes []string
		NextPageToken            string `json:",omitempty"`
	}
	costResult struct {
		TimePeriod struct{ Start, End string }
		Total      map[string]costAmount
		Groups     []costGroupResult
		Estimated  bool
	}
	costGroupResult struct {
		Keys    []string
		Metrics map[string]costAmount
	}
	costAmount struct{ Amount, Unit string }
)

// provisional is for how long the account's bill may still change.
const provisional = 48 * time.Hour

// costsOf answers a query, one page of it. A page may end within a span of time,
// with which the next one then begins.
func costsOf(a *state.Account, q costQuery, now time.Time) (costAnswer, *wire.Error) {
	token := q.NextPageToken
	q.NextPageToken = ""
	out := costAnswer{GroupDefinitions: q.GroupBy, ResultsByTime: []costResult{}, DimensionValueAttributes: []string{}}
	mark := wire.Bookmark{Request: wire.QueryDigest("costs", q.costRequest), Known: known(now)}
	slots := q.slots()
	if token != "" {
		given, ok := wire.ReadBookmark(token)
		switch {
		case !ok || given.Step >= len(slots):
			return out, wire.Invalid("InvalidNextTokenException", "Invalid NextPageToken")
		case given.Request != mark.Request:
			return out, wire.Invalid("RequestChangedException", "Request parameters changed between pages.")
		}
		mark = given
	}
	if token == "" && !firstCharge(a).Before(state.Earlier(q.end, mark.Known)) {
		return out, wire.Invalid("DataUnavailableException",
			"Data is not available. Please try to adjust the time period. If just enabled Cost Explorer, data might not be ingested yet")
	}
	s := invoice{biller: newBiller(a), query: q, known: mark.Known}
	for free := costPage; mark.Step < len(slots); mark.Step++ {
		if free <= 0 {
			out.NextPageToken = mark.Encode()
			break
		}
		slot := slots[mark.Step]
		result, next := s.result(slot, mark, free)
		result.TimePeriod.Start, result.TimePeriod.End = q.text(slot.From), q.text(slot.To)
		result.Estimated = slot.To.After(now.Add(-provisional))
		out.ResultsByTime = append(out.ResultsByTime, result)
		if next != nil {
			out.NextPageToken = next.Encode()
			break
		}
		free -= max(len(result.Groups), 1)
		mark.Resource, mark.Skip = "", 0
	}
	return out, nil
}

// firstCharge is when the account was charged for the first time; far in the
// future where it never was.
func firstCharge(a *state.Account) time.Time {
	first := a.Now().AddDate(100, 0, 0)
	for _, r := range a.Regions {
		r.Mu.Lock()
		for _, i := range r.Instances {
			first = state.Earlier(first, i.FirstLaunch)
		}
		for _, v := range r.VolumeOrder {
			first = state.Earlier(first, v.Created)
		}
		r.Mu.Unlock()
	}
	return first
}
