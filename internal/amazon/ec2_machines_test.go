package amazon

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

func TestIneligible(t *testing.T) {
	tagged := func(key, value string) func(*types.Instance) {
		return func(i *types.Instance) { i.Tags = []types.Tag{{Key: &key, Value: &value}} }
	}
	spot := func(i *types.Instance) { i.InstanceLifecycle = types.InstanceLifecycleTypeSpot }
	for name, tt := range map[string]struct {
		change   func(*types.Instance)
		spotType string
		want     string
	}{
		"plain":                  {func(*types.Instance) {}, "", ""},
		"one-time Spot":          {spot, "one-time", "spot-one-time"},
		"Spot of unknown type":   {spot, "", "spot-unknown"},
		"persistent Spot":        {spot, "persistent", ""},
		"instance store":         {func(i *types.Instance) { i.RootDeviceType = types.DeviceTypeInstanceStore }, "", "instance-store-root"},
		"Spot of a request gone": {spot, "gone", "spot-one-time"},
		"Auto Scaling":           {tagged("aws:autoscaling:groupName", "web"), "", "auto-scaling"},
		"EKS node":               {tagged("eks:cluster-name", "prod"), "", "managed"},
		"ECS capacity":           {tagged("AmazonECSManaged", ""), "", "managed"},
		"managed": {func(i *types.Instance) {
			i.Operator = &types.OperatorResponse{Managed: aws.Bool(true), Principal: aws.String("eks.amazonaws.com")}
		}, "", "managed"},
		"managed by nobody named": {func(i *types.Instance) { i.Operator = &types.OperatorResponse{Managed: aws.Bool(true)} }, "", "managed"},
		"not managed":             {func(i *types.Instance) { i.Operator = &types.OperatorResponse{Managed: aws.Bool(false)} }, "", ""},
	} {
		i := types.Instance{RootDeviceType: types.DeviceTypeEbs, SpotInstanceRequestId: aws.String("sir-1")}
		tt.change(&i)
		m := instance(found{Instance: i}, map[string]string{"sir-1": tt.spotType}).Machine()
		if m.Ineligible.Reason().Code != tt.want || tt.want != "" && !strings.Contains(m.Ineligible.Reason().Text, " ") {
			t.Errorf("%s: %+v, want the code %q", name, m.Ineligible, tt.want)
		}
	}
}

func TestCause(t *testing.T) {
	for _, tt := range []struct {
		code, transition string
		want             fleet.Cause
		at               bool
	}{
		{"Client.UserInitiatedShutdown", "User initiated (2026-11-20 10:00:00 GMT)", fleet.CauseCall, true},
		{"Client.UserInitiatedShutdown", "User initiated (2026-11-20 10:00:00 UTC)", fleet.CauseCall, true},
		{"Client.UserInitiatedHibernate", "User initiated (2026-11-20 10:00:00 GMT)", fleet.CauseCall, true},
		{"Client.InstanceInitiatedShutdown", "", fleet.CauseItself, false},
		{"Server.SpotInstanceStop", "Server.SpotInstanceStop", fleet.CauseSpot, false},
		{"Server.InsufficientInstanceCapacity", "Server.InsufficientInstanceCapacity", fleet.CauseCapacity, false},
		{"Server.InternalError", "Server.InternalError", fleet.CauseAWS, false},
		{"Client.InvalidSnapshot.NotFound", "", fleet.CauseAWS, false},
		{"Client.InvalidKMSKey.InvalidState", "", fleet.CauseAWS, false},
		{"Server.ScheduledStop", "", fleet.CauseAWS, false},
		{"", "User initiated (2026-11-20 10:00:00 GMT)", fleet.CauseCall, true},
		{"", "User initiated (yesterday GMT)", fleet.CauseCall, false},
		{"", "User initiated", fleet.CauseCall, false},
		{"", "", fleet.CauseUnknown, false},
	} {
		i := types.Instance{
			State:                 &types.InstanceState{Name: types.InstanceStateNameStopped},
			StateReason:           &types.StateReason{Code: aws.String(tt.code), Message: aws.String(tt.code + ": said EC2")},
			StateTransitionReason: aws.String(tt.transition),
		}
		m := instance(found{Instance: i}, nil).Machine()
		var at time.Time
		if tt.at {
			at = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
		}
		if m.Cause != tt.want || !m.Stopped.Equal(at) {
			t.Errorf("%q, %q: %q at %v, want %q at %v", tt.code, tt.transition, m.Cause, m.Stopped, tt.want, at)
		}
		i.State.Name = types.InstanceStateNameRunning
		if m := instance(found{Instance: i}, nil).Machine(); m.Cause != fleet.CauseUnknown || !m.Stopped.IsZero() {
			t.Errorf("%q, running: stopped by %q at %v", tt.code, m.Cause, m.Stopped)
		}
	}
}
