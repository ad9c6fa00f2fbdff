package amazon

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// Machines yields the chosen instances as machines that can be stopped and
// started. For Spot Instances it looks up whether their request is persistent,
// and where the selector asks for it whether they pass their status checks. At
// most 200 ids can be chosen at once. An error ends it.
func (f instances) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for out, err := range f.pages(ctx, sel) {
			var page []found
			if err == nil {
				page = f.found(out)
			}
			var spots map[string]string
			var ready map[string]bool
			if err == nil && !sel.Brief {
				spots, err = f.spotTypes(ctx, page)
			}
			if err == nil && sel.Readiness {
				ready, err = f.passing(ctx, page)
			}
			if err != nil {
				yield(fleet.Machine{}, err)
				return
			}
			for _, i := range page {
				m := instance(i, spots).Machine()
				m.Ready = ready[string(m.ID)]
				if chosen(sel, m) && !yield(m, nil) {
					return
				}
			}
		}
	}
}

// chosen compares with the selector what the services have no filter for, or
// none that can distinguish all values.
func chosen(sel fleet.Selector, m fleet.Machine) bool {
	hasKey := func(key string) bool { _, ok := m.Tags[key]; return ok }
	return fleet.AllOn(sel.Tags, m.Tags) &&
		(len(sel.Keys) == 0 || slices.ContainsFunc(sel.Keys, hasKey)) &&
		(len(sel.IDs) == 0 || slices.Contains(sel.IDs, m.ID))
}

// cause reads the reason of the last change of state. The codes are those of
// the data type StateReason in the EC2 API reference.
func cause(reason *types.StateReason, transition string) fleet.Cause {
	code := ""
	if reason != nil {
		code = aws.ToString(reason.Code)
	}
	switch {
	case code == "Client.UserInitiatedShutdown", code == "Client.UserInitiatedHibernate":
		return fleet.CauseCall
	case code == "Client.InstanceInitiatedShutdown":
		return fleet.CauseItself
	case strings.HasPrefix(code, "Server.Spot"):
		return fleet.CauseSpot
	case code == "Server.InsufficientInstanceCapacity":
		return fleet.CauseCapacity
	case strings.HasPrefix(code, "Server."), strings.HasPrefix(code, "Client."):
		return fleet.CauseAWS
	case strings.HasPrefix(transition, "User initiated"):
		return fleet.CauseCall
	}
	return fleet.CauseUnknown
}

// ineligible says why an instance cannot or must not be stopped and started. Stop
// protection is not among the reasons: DescribeInstances does not report it.
func ineligible(i types.Instance, full fleet.Instance) fleet.Ineligible {
	out := fleet.Ineligible{Managed: fleet.ManagedBy(fleet.KindInstance, full.Tags)}
	switch {
	case i.Operator != nil && aws.ToBool(i.Operator.Managed):
		out.Cannot = fleet.Operated(aws.ToString(i.Operator.Principal))
	case full.Lifecycle == fleet.Spot && full.SpotType == "":
		out.Cannot = reason("spot-unknown", "is a Spot Instance whose request cannot be read (ec2:DescribeSpotInstanceRequests); a one-time one cannot be stopped and started")
	case full.Lifecycle == fleet.Spot && full.SpotType != fleet.PersistentSpot:
		out.Cannot = reason("spot-one-time", "is a one-time Spot Instance, which cannot be stopped and started")
	case i.RootDeviceType == types.DeviceTypeInstanceStore:
		out.Cannot = reason("instance-store-root", "has an instance-store root volume, which would be lost")
	}
	return out
}

// spotTypes finds out the type of the Spot requests of a page. A request
// that is gone counts as one-time. Where this is not permitted the types stay
// unknown, so that the other instances are not held up.
func (f instances) spotTypes(ctx context.Context, page []found) (map[string]string, error) {
	requests := map[string]string{}
	for _, i := range page {
		if id := aws.ToString(i.SpotInstanceRequestId); id != "" {
			requests[id] = string(types.SpotInstanceTypeOneTime)
		}
	}
	next := func(out *ec2.DescribeSpotInstanceRequestsOutput) *string { return out.NextToken }
	for chunk := range chunks(requests, valuesPerFilter) {
		in := &ec2.DescribeSpotInstanceRequestsInput{
			Filters: []types.Filter{{Name: aws.String("spot-instance-request-id"), Values: chunk}},
		}
		for out, err := range pages(ctx, f.describeSpotRequests, in, &in.NextToken, next) {
			if errors.Is(err, fleet.ErrDenied) {
				f.log.WarnContext(ctx, "Spot requests cannot be read; Spot Instances are left alone", "region", f.region, "error", err)
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			for _, r := range out.SpotInstanceRequests {
				requests[aws.ToString(r.SpotInstanceRequestId)] = string(r.Type)
			}
		}
	}
	return requests, nil
}

// statusIDs is the largest number of instances whose status EC2 gives at once.
const statusIDs = 100

// passing finds the running instances of a page that pass both status checks.
func (f instances) passing(ctx context.Context, page []found) (map[string]bool, error) {
	ready := map[string]bool{}
	for _, i := range page {
		if i.State != nil && i.State.Name == types.InstanceStateNameRunning {
			ready[aws.ToString(i.InstanceId)] = false
		}
	}
	for chunk := range chunks(ready, statusIDs) {
		out, err := f.describeStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: chunk})
		if errors.Is(err, fleet.ErrNotFound) {
			continue // one of them has just gone: none counts as ready before the next look
		}
		if err != nil {
			return nil, err
		}
		for _, s := range out.InstanceStatuses {
			ready[aws.ToString(s.InstanceId)] = s.InstanceStatus != nil && s.InstanceStatus.Status == types.SummaryStatusOk &&
				s.SystemStatus != nil && s.SystemStatus.Status == types.SummaryStatusOk
		}
	}
	return ready, nil
}

// Stop asks EC2 to stop the instances, as a whole. It waits first until the
// quota allows that many.
func (f instances) Stop(ctx context.Context, ids []fleet.ResourceID, hibernate bool) error {
	if err := wait(ctx, "EC2", f.limits.stopIDs, len(ids)); err != nil {
		return err
	}
	in := &ec2.StopInstancesInput{InstanceIds: toStrings(ids)}
	if hibernate {
		in.Hibernate = aws.Bool(true)
	}
	_, err := f.stopInstances(ctx, in)
	return err
}

// Start asks EC2 to start the instances, as a whole. It waits first until the
// quota allows that many.
func (f instances) Start(ctx context.Context, ids []fleet.ResourceID) error {
	if err := wait(ctx, "EC2", f.limits.startIDs, len(ids)); err != nil {
		return err
	}
	_, err := f.startInstances(ctx, &ec2.StartInstancesInput{InstanceIds: toStrings(ids)})
	return err
}

// Mark sets tags on all of the instances. EC2 takes up to 1,000 at once.
func (f instances) Mark(ctx context.Context, machines []fleet.Machine, set fleet.Tags) error {
	in := &ec2.CreateTagsInput{Tags: toTags(set)}
	for _, m := range machines {
		in.Resources = append(in.Resources, string(m.ID))
	}
	_, err := f.createTags(ctx, in)
	return err
}

// Resize changes the type of a stopped instance.
func (f instances) Resize(ctx context.Context, id fleet.ResourceID, to fleet.InstanceType) error {
	_, err := f.modifyAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
		InstanceId:   aws.String(string(id)),
		InstanceType: &types.AttributeValue{Value: aws.String(string(to))},
	})
	return err
}
