package amazon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"nightshift/internal/fleet"
)

const (
	// eventRetention is how long RDS keeps events.
	eventRetention = 14 * 24 * time.Hour
	// idsPerFilter bounds the identifiers in one request; more are chosen from
	// all that there are.
	idsPerFilter = 100
)

// relational is what databases and clusters have in common.
type relational struct {
	region         fleet.Region
	log            *slog.Logger
	source         types.SourceType
	describeEvents operation[rds.DescribeEventsInput, rds.DescribeEventsOutput]
	addTags        operation[rds.AddTagsToResourceInput, rds.AddTagsToResourceOutput]
}

func (s *Session) relational(client *rds.Client, region fleet.Region, source types.SourceType) relational {
	return relational{
		region: region, log: s.log, source: source,
		describeEvents: capture(s, "rds:DescribeEvents", client.DescribeEvents),
		addTags:        capture(s, "rds:AddTagsToResource", client.AddTagsToResource),
	}
}

// Mark sets tags on the machines, one by one. It ends at the first refusal,
// which names the machine. RDS takes only letters, digits, spaces and
// _ . : / = + - @ in tags.
func (r relational) Mark(ctx context.Context, machines []fleet.Machine, set fleet.Tags) error {
	var tags []types.Tag
	for key, value := range set {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	slices.SortFunc(tags, func(a, b types.Tag) int { return cmp.Compare(*a.Key, *b.Key) })
	for _, m := range machines {
		err := oneByOne([]fleet.ResourceID{m.ID}, func(*string) error {
			_, err := r.addTags(ctx, &rds.AddTagsToResourceInput{ResourceName: aws.String(m.ARN), Tags: tags})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// machines yields what read finds, with the past that the events show unless
// brief is enough. Where events cannot be read it yields all machines, those that
// run as ineligible, and then the error.
func (r relational) machines(ctx context.Context, sel fleet.Selector, read func() ([]fleet.Machine, error)) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		found, err := read()
		var events error
		if err == nil && !sel.Brief {
			events, err = r.recall(ctx, found)
		}
		if err != nil {
			yield(fleet.Machine{}, err)
			return
		}
		for _, m := range found {
			if !yield(m, nil) {
				return
			}
		}
		if events != nil {
			yield(fleet.Machine{}, events)
		}
	}
}

// machine is what databases and clusters are converted to in the same way.
func (r relational) machine(kind fleet.Kind, id, name, status string, list []types.Tag) fleet.Machine {
	m := fleet.Machine{
		Target: fleet.Target{Region: r.region}, Kind: kind, ID: fleet.ResourceID(id), ARN: name,
		Tags: make(fleet.Tags, len(list)), Ready: status == "available",
	}
	if parsed, err := arn.Parse(name); err == nil {
		m.Target.Account = fleet.Account(parsed.AccountID)
	}
	for _, t := range list {
		m.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	switch status {
	case "available":
		m.State = fleet.Running
	case "starting":
		m.State = fleet.Pending
	case "stopping":
		m.State = fleet.Stopping
	case "stopped":
		m.State = fleet.Stopped
		m.Cause = fleet.CauseCall // nothing else stops a database
	case "deleting":
		m.State = fleet.ShuttingDown
	default:
		m.State = fleet.Running
		m.Ineligible.Cannot = reason("busy", "is "+status+"; RDS stops it only when it is available")
	}
	return m
}

// stopsUntil derives the last stop from the restart that RDS announces.
func stopsUntil(m *fleet.Machine, restart *time.Time) {
	if m.State != fleet.Stopped || restart == nil {
		return
	}
	m.Stopped = restart.UTC().Add(-longestStop)
	m.Why = "RDS starts it again by itself at " + restart.UTC().Format(time.RFC3339)
}

// byID asks for machines by their identifiers, where those are not too many.
func byID(filter string, ids []fleet.ResourceID) []types.Filter {
	if len(ids) == 0 || len(ids) > idsPerFilter {
		return nil
	}
	return []types.Filter{{Name: aws.String(filter), Values: toStrings(ids)}}
}

// past is what the events say about a database.
type past struct {
	started, stopped time.Time
	restarting       bool // since RDS announced a restart of its own, until the next stop
	announcement     string
}

// recall fills in the last starts, and the last stops that are not known yet.
// One sweep over the events serves all machines; there is none where nothing
// is missing. Where the events cannot be read, unread is why, and the machines
// that need them are ineligible.
func (r relational) recall(ctx context.Context, machines []fleet.Machine) (unread, err error) {
	lacks := func(m fleet.Machine) bool {
		return m.State == fleet.Running || m.State == fleet.Pending || m.State == fleet.Stopped && m.Stopped.IsZero()
	}
	if !slices.ContainsFunc(machines, lacks) {
		return nil, nil
	}
	pasts, now, err := r.events(ctx)
	// A server that does not know the action says that it is invalid.
	if errors.Is(err, fleet.ErrDenied) || errors.Is(err, fleet.ErrInvalid) {
		for n := range machines {
			if m := &machines[n]; lacks(*m) && m.Eligible() {
				m.Ineligible.Cannot = reason("events-unknown", "has events that cannot be read (rds:DescribeEvents); without them nobody knows who started it")
			}
		}
		return fmt.Errorf("running databases are left alone, for their events cannot be read: %w", err), nil
	}
	if err != nil {
		return nil, err
	}
	for n := range machines {
		if m := &machines[n]; lacks(*m) {
			pasts[m.ID].complete(m, now)
		}
	}
	return nil, nil
}

// complete completes a machine at the service's time now. Without any event the
// last start was before events are kept, or it was the creation. A database
// that runs although its last event is a stop has been started just now: the
// event of it is on its way.
func (p past) complete(m *fleet.Machine, now time.Time) {
	if m.State == fleet.Stopped {
		m.Stopped = p.stopped
		return
	}
	switch {
	case p.started.After(p.stopped):
		m.Started = p.started
	case !p.stopped.IsZero():
		m.Started = now
	case !now.IsZero() && now.Add(-eventRetention).After(m.Created):
		m.Started = now.Add(-eventRetention)
	default:
		m.Started = m.Created
	}
	if p.restarting {
		m.StartedByAWS, m.Why = true, p.announcement
	}
}

// events reads the past of all databases of the region, or of all clusters,
// and the service's time.
func (r relational) events(ctx context.Context) (map[fleet.ResourceID]past, time.Time, error) {
	in := &rds.DescribeEventsInput{
		SourceType: r.source, Duration: aws.Int32(int32(eventRetention / time.Minute)), MaxRecords: aws.Int32(recordsPerPage),
		EventCategories: []string{"notification"},
	}
	var all []types.Event
	var now time.Time
	next := func(out *rds.DescribeEventsOutput) *string { return out.Marker }
	for out, err := range pages(ctx, r.describeEvents, in, &in.Marker, next) {
		if err != nil {
			return nil, now, err
		}
		all = append(all, out.Events...)
		if t, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
			now = t.UTC()
		}
	}
	slices.SortStableFunc(all, func(a, b types.Event) int { return timeOf(a.Date).Compare(timeOf(b.Date)) })
	pasts := map[fleet.ResourceID]past{}
	for _, e := range all {
		id := fleet.ResourceID(aws.ToString(e.SourceIdentifier))
		pasts[id] = pasts[id].with(aws.ToString(e.Message), timeOf(e.Date))
	}
	return pasts, now, nil
}

// with adds an event, which is known by its message only. Messages are those of
// "Amazon RDS event categories and event messages" in the RDS User Guide, in
// which instances and clusters, "The DB cluster" and "DB cluster", and full
// stops vary.
func (p past) with(message string, at time.Time) past {
	text := strings.TrimSuffix(strings.ToLower(message), ".")
	switch {
	case strings.Contains(text, "is being started due to it exceeding the maximum allowed time being stopped"):
		p.started, p.restarting, p.announcement = at, true, message
	case strings.HasSuffix(text, "instance started"), strings.HasSuffix(text, "cluster started"):
		p.started = at
	case strings.HasSuffix(text, "instance stopped"), strings.HasSuffix(text, "cluster stopped"):
		p.stopped, p.restarting = at, false
	}
	return p
}
