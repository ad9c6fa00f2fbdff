package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/bill"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// ReportInput says what a report is about and how it is made.
type ReportInput struct {
	CostInput
	// Hours is the source of running hours; empty is cost.BestHours.
	Hours cost.HoursMode
	// Only, if not empty, is the id or the name of the one instance or volume that
	// the report is about.
	Only string
	// Keep leaves the day's rows in the history.
	Keep bool
	// Past makes the parts that need the history and the bill.
	Past bool
	// Backups says which volumes have a copy, where the configuration has backup policies.
	// Without any nothing more is read, and no permission for it is needed.
	Backups bool
}

// changesShown is how many changes a report lists.
const changesShown = 50

// ReportResult is a finished report.
type ReportResult struct {
	Run
	sheet.Workbook
	// MinCoverage is the percentage of rows that should have a price.
	MinCoverage float64
	// Candidates are the rows of the price list that answered for instances, where
	// the report is about one resource.
	Candidates []price.Product
}

// Report reads what the targets hold, prices it and adds up what it costs. It is an
// error only where nothing could be read.
func (s *Session) Report(ctx context.Context, in ReportInput) (ReportResult, error) {
	settings, err := s.costSettings(in.CostInput)
	if err != nil {
		return ReportResult{}, err
	}
	if !in.Past {
		settings.History, settings.Bill = "", ""
	}
	ctx, run := s.app.begin(ctx, "report")
	result, err := s.report(ctx, in, settings, run)
	if err != nil {
		run.end(fleet.StatusOf(err))
		return ReportResult{}, err
	}
	result.Report.Calls = run.counter.Counts()
	result.Run = run.end(result.Status())
	return result, nil
}

func (s *Session) report(ctx context.Context, in ReportInput, c costSettings, run *activeRun) (ReportResult, error) {
	result := ReportResult{MinCoverage: c.MinCoverage}
	account, err := s.aws.Account(ctx)
	if errors.Is(err, fleet.ErrCredentials) {
		return result, err
	}
	if err != nil {
		s.app.log.DebugContext(ctx, "the account is not known", "error", err)
	}
	list, err := s.prices(ctx, c)
	if err != nil {
		return result, err
	}
	answers := &candidates{prices: list}
	paid := newPaid(c)
	journal := s.journal(ctx)
	o, journalErr := s.reportOptions(ctx, in, c, account, journal, run.Started)
	result.Report, err = cost.Build(ctx, s.sources(account, in.Only, paid), answers, o)
	if err != nil {
		return result, err
	}
	if in.Only != "" {
		result.Candidates = answers.rows
	}
	r := &result.Workbook
	r.Recommendations = recommend.For(r.Report)
	for _, u := range s.Unreachable {
		r.Problems = append(r.Problems, cost.Problem{What: "left out", Err: u.Err})
	}
	if journalErr != nil {
		r.Problems = append(r.Problems, cost.Problem{What: "journal", Err: journalErr})
	}
	r.Spend = paid.spend()
	r.Notes = append(r.Notes, list.Notes()...)
	if journal != nil {
		r.Savings = cost.SavingsOf(r.Report, o.Acts, fleet.Span{From: cost.MonthOf(o.Now.In(c.zone)).Start, To: o.Now.In(c.zone)})
	}
	if in.Backups && s.Config != nil && len(s.Config.Backup.Policies) > 0 {
		s.backupsOf(ctx, list, account, r)
	}
	return result, s.pastOf(ctx, in, c, r)
}

// reportOptions are the report's options, with what journal and rules know of hours.
func (s *Session) reportOptions(
	ctx context.Context, in ReportInput, c costSettings, own fleet.Account, store blob.Store, now time.Time,
) (cost.Options, error) {
	o := cost.Options{Now: now, Zone: c.zone, Hours: in.Hours, ExcludePlatform: "RDS", Tags: c.Tags}
	var err error
	o.Acts, o.Known, err = acts(ctx, store, own, cost.MonthOf(now.In(c.zone)))
	if s.Config != nil && len(s.Config.Rules().Rules) > 0 {
		p := newPlanner(s.Config.Rules(), s.Config.Names(), now)
		o.Planned, o.Schedulable = p.plan, p.schedulable
		o.Blocked = func(i fleet.Instance) fleet.Reason { return p.rules.Blocked(i.Machine()) }
	}
	return o, err
}

// pastOf compares the report with the bill and with what the history has.
func (s *Session) pastOf(ctx context.Context, in ReportInput, c costSettings, r *sheet.Workbook) error {
	if c.Bill != "" || c.CostExplorer > 0 {
		s.reconcile(ctx, c.Bill, r)
	}
	if c.History == "" {
		return nil
	}
	store, err := s.store(ctx, c.History)
	if err == nil {
		past := history.Follow(ctx, store, r.Report, history.Options{Tags: c.Tags, Keep: in.Keep, Changes: changesShown})
		r.Trend, r.Changes = past.Trend, past.Changes
		r.Problems = append(r.Problems, past.Problems...)
	}
	return err
}

// reconcile compares the bill with the report's list prices: an export where one is
// configured, else what Cost Explorer told.
func (s *Session) reconcile(ctx context.Context, place string, r *sheet.Workbook) {
	if place == "" {
		r.Reconciliation = reconcile.WithCostExplorer(r.Report)
		return
	}
	store, err := s.store(ctx, place)
	if err == nil {
		var read bill.Bill
		read, err = bill.Read(ctx, store, fleet.Span{From: r.Month.Start, To: r.Month.Now})
		r.Notes = append(r.Notes, read.Notes...)
		if len(read.Files) > 0 {
			r.Reconciliation = reconcile.WithExport(r.Report, read.Lines, place)
			r.Notes = append(r.Notes, r.Reconciliation.Notes...)
		}
	}
	if err != nil {
		r.Problems = append(r.Problems, cost.Problem{What: "reconciliation", Err: err})
	}
}

// sources are the targets as the report reads them. The account of our own
// credentials is given its number. Where one resource is named the report is about
// nothing else.
func (s *Session) sources(own fleet.Account, only string, p paid) []cost.Source {
	var sources []cost.Source
	for _, t := range s.Targets {
		ec2 := t.session.Fleet(t.Region)
		source := cost.Source{Target: ofAccount(t.Target, own), Inventory: ec2, OtherResources: ec2, Spot: ec2, Credits: ec2}
		if only != "" {
			source.Inventory = newOneResource(ec2, only)
		}
		if p.metrics.Most() > 0 {
			source.Metrics = t.session.Metrics(t.Region, p.metrics)
		}
		if p.explorer.Most() > 0 {
			source.Billing = t.session.CostExplorer(p.explorer)
		}
		sources = append(sources, source)
	}
	return sources
}

// Status is how the report went as a whole.
func (r ReportResult) Status() fleet.Status {
	switch {
	case r.tooFewPrices() != nil:
		return fleet.StatusFailed
	case len(r.Problems) > 0 || r.Missing() > 0:
		return fleet.StatusPartial
	default:
		return fleet.StatusDone
	}
}

// Err is what the report lacks, a line for each cause; nil where it is complete.
func (r ReportResult) Err() error {
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, p)
	}
	if n := r.Missing(); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d prices are missing: see the columns PriceStatus and PriceNote; the totals are too low by them", n, r.rows()))
	}
	return errors.Join(append(errs, r.tooFewPrices())...)
}

// tooFewPrices is an error where fewer rows have a price than should.
func (r ReportResult) tooFewPrices() error {
	if r.Coverage() >= r.MinCoverage {
		return nil
	}
	return fmt.Errorf("only %d of %d rows have a price, and %v percent are asked for (--min-coverage): see the columns PriceStatus and PriceNote",
		r.rows()-r.Missing(), r.rows(), r.MinCoverage)
}

func (r ReportResult) rows() int { return len(r.Instances) + len(r.Volumes) + len(r.Lines) }

// Prices of what the report itself pays for (AWS Cost Management pricing, Amazon
// CloudWatch pricing): a request to Cost Explorer, and a thousand metrics.
const (
	centsPerRequest         = 1
	centsPerThousandMetrics = 1
)

// paid are the caps on what a report pays for, and what it has used of them.
type paid struct {
	explorer, metrics *amazon.Budget
}

func newPaid(c costSettings) paid {
	return paid{amazon.NewBudget(c.CostExplorer), amazon.NewBudget(c.CloudWatch)}
}

func cents(n int) price.USD { return price.Dollar.Times(int64(n), 100) }

// spend is what was used, of the services that may be asked.
func (p paid) spend() []cost.Spend {
	var all []cost.Spend
	if p.explorer.Most() > 0 {
		all = append(all, cost.Spend{
			Service: "Cost Explorer", Unit: "requests", Used: p.explorer.Used(), Cap: p.explorer.Most(),
			USD: cents(p.explorer.Used() * centsPerRequest),
		})
	}
	if p.metrics.Most() > 0 {
		all = append(all, cost.Spend{
			Service: "CloudWatch", Unit: "metrics", Used: p.metrics.Used(), Cap: p.metrics.Most(),
			USD: cents(centsPerThousandMetrics).Times(int64(p.metrics.Used()), 1000),
		})
	}
	return all
}
