package amazon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// CostExplorer is the bill of one account by resource. A request costs $0.01
// (AWS Cost Explorer pricing), each page is one, and the budget counts them.
type CostExplorer struct {
	budget   *Budget
	now      func() time.Time // nil where the session has no clock
	identity operation[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput]
	usage    operation[costexplorer.GetCostAndUsageWithResourcesInput, costexplorer.GetCostAndUsageWithResourcesOutput]

	mu    sync.Mutex
	daily bool // hours have been refused
}

// CostExplorer gives access to the bill of the session's account.
func (s *Session) CostExplorer(budget *Budget) *CostExplorer {
	client := costexplorer.NewFromConfig(s.in(s.global()))
	e := &CostExplorer{
		budget:   budget,
		identity: s.identity(),
		usage:    capture(s, "ce:GetCostAndUsageWithResources", client.GetCostAndUsageWithResources),
	}
	if s.now != nil {
		e.now = func() time.Time { return s.now().Add(s.Ahead()) }
	}
	return e
}

// kept is for how long Cost Explorer keeps the bill by resource; settled is when
// the usage of an instance is there as a whole, though its cost may still
// change. See "Granular data" in the AWS Cost Management User Guide.
const (
	kept    = 14 * 24 * time.Hour
	settled = 48 * time.Hour
)

// Usage lists what EC2 charged for the running of instances between two
// instants, in all regions of the account: by the hour where that is enabled and
// the budget suffices for it, else by the day of UTC, in whole hours or days that
// lie between the two, and not from before the 14 days that Cost Explorer keeps.
//
// Complete says from when to when the lines are the whole usage: as far as Cost
// Explorer has any, to the first hour or day that it calls estimated, or to 48
// hours ago, as it may call the open month estimated as a whole. It is empty
// where not all pages could be read.
//
// Billed is the unblended cost, Effective the amortized one, both rounded to
// 1e-10 USD. Without the right, or where Cost Explorer or its data by resource
// are not enabled, the error is [fleet.ErrDenied] and says what to do.
func (e *CostExplorer) Usage(ctx context.Context, from, to time.Time) ([]price.BillLine, fleet.Span, error) {
	out, err := e.identity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fleet.Span{}, err
	}
	account, now := fleet.Account(aws.ToString(out.Account)), to
	if e.now != nil {
		now = e.now()
	}
	e.mu.Lock() // the first finds out for all whether there are hours
	defer e.mu.Unlock()
	if !e.daily {
		r := byHour(account, now, fleet.Span{From: from, To: to})
		if err = e.read(ctx, r); !errors.Is(err, errTooManyPages) && !refusesHours(err) {
			return r.lines, r.complete(err), explainBill(err)
		}
		e.daily = true
	}
	r := byDay(account, now, fleet.Span{From: from, To: to})
	err = e.read(ctx, r)
	return r.lines, r.complete(err), explainBill(err)
}

// errTooManyPages: the budget does not suffice for the bill by the hour, and a
// part of it would be of no use. By the day it has a twenty-fourth of the pages.
var errTooManyPages = errors.New("too many pages")

// refusesHours reports whether days can be read where hours cannot. Cost Explorer
// says so in several ways, and not always by a code of its own.
func refusesHours(err error) bool {
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok {
		return false
	}
	switch refusal.Code {
	case "DataUnavailableException", "ValidationException":
		return true
	}
	return strings.Contains(strings.ToLower(refusal.Message), "hourly")
}

// explainBill says what to do about a refusal.
func explainBill(err error) error {
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	switch {
	case ok && refusal.Code == "DataUnavailableException":
		return fmt.Errorf("no bill by resource for these days yet; after it is enabled that takes up to 48 hours: %w", err)
	case !ok || !errors.Is(err, fleet.ErrDenied) || strings.Contains(refusal.Message, "not authorized to perform"):
		return err
	default:
		// Not the role is to be changed, so that the refusal is quoted and not wrapped.
		return fleet.Errorf(fleet.ErrDenied, "the bill by resource is not enabled: in the management account open Billing and Cost Management, "+
			"Cost Management preferences, and enable resource-level data for Amazon EC2 in Cost Explorer, hourly or daily; the data comes within 48 hours (%v)", refusal)
	}
}

// read asks for all pages of a reading.
func (e *CostExplorer) read(ctx context.Context, r *reading) error {
	if r.span.Length() == 0 {
		return nil
	}
	dimension := func(key types.Dimension, value string) types.Expression {
		return types.Expression{Dimensions: &types.DimensionValues{Key: key, Values: []string{value}}}
	}
	group := func(key types.Dimension) types.GroupDefinition {
		return types.GroupDefinition{Type: types.GroupDefinitionTypeDimension, Key: aws.String(string(key))}
	}
	in := &costexplorer.GetCostAndUsageWithResourcesInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(r.span.From.Format(r.layout)), End: aws.String(r.span.To.Format(r.layout))},
		Granularity: r.granularity,
		// A management account sees the bills of all members.
		Filter: &types.Expression{And: []types.Expression{
			dimension(types.DimensionService, "Amazon Elastic Compute Cloud - Compute"),
			dimension(types.DimensionLinkedAccount, string(r.account)),
		}},
		GroupBy: []types.GroupDefinition{group(types.DimensionResourceId), group(types.DimensionUsageType)},
		Metrics: []string{"UnblendedCost", "AmortizedCost", "UsageQuantity"},
	}
	ctx = e.budget.charge(ctx, 1)
	next := func(out *costexplorer.GetCostAndUsageWithResourcesOutput) *string { return out.NextPageToken }
	read := 0
	for out, err := range pages(ctx, e.usage, in, &in.NextPageToken, next) {
		if err != nil {
			return err
		}
		for _, result := range out.ResultsByTime {
			if err := r.add(result); err != nil {
				return err
			}
		}
		read++
		more, left := aws.ToString(next(out)) != "", e.budget.left()
		if read == 1 && more && left > 0 && r.pages()-read > left && r.granularity == types.GranularityHourly {
			return errTooManyPages
		}
	}
	return nil
}
