package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func TestParseFaults(t *testing.T) {
	got, err := sandbox.ParseFaults("ec2:Describe*=throttle,share=0.2; ec2:StartInstances=refuse,type=m5.*,code=InsufficientInstanceCapacity,count=2;" +
		"ec2:StopInstances=slow,for=5m,id=i-0*;*=cut,nth=3;ec2:CreateSnapshot=fail,every=4")
	if err != nil {
		t.Fatal(err)
	}
	want := []sandbox.Fault{
		{Action: "ec2:Describe*", Kind: sandbox.Throttle, Share: 0.2},
		{Action: "ec2:StartInstances", Kind: sandbox.Refuse, Type: "m5.*", Code: "InsufficientInstanceCapacity", Count: 2},
		{Action: "ec2:StopInstances", Kind: sandbox.Slow, For: 5 * time.Minute, ID: "i-0*"},
		{Action: "*", Kind: sandbox.Cut, Nth: 3},
		{Action: "ec2:CreateSnapshot", Kind: sandbox.Fail, Every: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for text, part := range map[string]string{
		"ec2:StopInstances":          "write it as",
		"*=explode":                  `no kind "explode"`,
		"*=throttle,chance=1":        `no field "chance"`,
		"*=throttle,share=2":         "not between 0 and 1",
		"*=slow":                     "needs for",
		"*=refuse":                   "needs code",
		"=cut":                       "name an action",
		"*=delay,for=soon":           "soon",
		"*=cut,nth=-1":               "count from 1",
		"*=cut,every=-2":             "count from 1",
		"ec2:StopInstance=cut":       `"ec2:StopInstance" matches no operation`,
		"EC2:stopinstances=cut":      "it is written ec2:StopInstances",
		"StopInstances=cut":          "written as in ec2:StopInstances",
		"s3:GetObjectAcl=cut":        "matches no operation",
		"ec2:StopInstances=cut;*=no": `no kind "no"`,
	} {
		if _, err := sandbox.ParseFaults(text); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v; want …%s…", text, err, part)
		}
	}
	for _, action := range []string{"*", "ec2:*", "ec2:Describe*", "s3:PutObject", "s3:*Part", "pricing:GetProducts", "pricing:*", "sts:GetCallerIdentity", "*:Get*"} {
		if _, err := sandbox.ParseFaults(action + "=cut"); err != nil {
			t.Error(err)
		}
	}
	if list, err := sandbox.ParseFaults(""); err != nil || list != nil {
		t.Errorf("nothing: %v, %v", list, err)
	}
}

func TestFaultsOfCalls(t *testing.T) {
	a := open(t, sandbox.Options{})
	describe := func() error {
		_, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		return err
	}
	whoami := func() error {
		_, err := a.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return err
	}
	prices := func() error {
		_, err := pricing.NewFromConfig(a.config("us-east-1")).DescribeServices(t.Context(), &pricing.DescribeServicesInput{})
		return err
	}
	list := func() error {
		_, err := a.s3.ListBuckets(t.Context(), nil)
		return err
	}
	for _, tt := range []struct {
		kind                   sandbox.Kind
		ec2, sts, pricing, s3v string
	}{
		{sandbox.Throttle, "RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown"},
		{sandbox.Broken, "InternalError", "InternalFailure", "InternalErrorException", "InternalError"},
		{sandbox.Deny, "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AccessDenied"},
		{sandbox.Expired, "RequestExpired", "ExpiredToken", "ExpiredTokenException", "ExpiredToken"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			if err := a.SetFaults([]sandbox.Fault{{Action: "*", Kind: tt.kind}}); err != nil {
				t.Fatal(err)
			}
			got := []string{code(describe()), code(whoami()), code(prices()), code(list())}
			if diff := cmp.Diff([]string{tt.ec2, tt.sts, tt.pricing, tt.s3v}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	if err := a.SetFaults([]sandbox.Fault{{Action: "ec2:*", Kind: sandbox.Throttle, Nth: 2}, {Action: "sts:*", Kind: sandbox.Broken, Count: 1}}); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for range 3 {
		codes = append(codes, code(describe()), code(whoami()))
	}
	if diff := cmp.Diff([]string{"", "InternalFailure", "RequestLimitExceeded", "", "", ""}, codes); diff != "" {
		t.Errorf("nth and count: -want +got\n%s", diff)
	}
}

func TestShareOfCallsIsSeeded(t *testing.T) {
	draw := func(seed uint64) (pattern string) {
		a := open(t, sandbox.Options{Seed: seed, Faults: []sandbox.Fault{{Action: "sts:*", Kind: sandbox.Throttle, Share: 0.3}}})
		for range 40 {
			if _, err := a.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	one, again, other := draw(1), draw(1), draw(2)
	if one != again || one == other {
		t.Errorf("seed 1: %s and %s; seed 2: %s", one, again, other)
	}
	if n := strings.Count(one, "x"); n < 4 || n > 22 {
		t.Errorf("%d of 40 struck", n)
	}
}

func TestCutConnections(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, tt := range []struct {
		kind     sandbox.Kind
		id, want string
	}{
		{sandbox.Cut, a.id("개발-WAS-1"), "running"},
		{sandbox.NoAnswer, a.id("개발-웹서버-1"), "stopping"},
	} {
		if err := a.SetFaults([]sandbox.Fault{{Action: "ec2:StopInstances", Kind: tt.kind}}); err != nil {
			t.Fatal(err)
		}
		if err := a.stop(tt.id); err == nil {
			t.Errorf("%s: no error", tt.kind)
		}
		if i, _ := a.Instance(tt.id); i.State != tt.want {
			t.Errorf("%s: the instance is %s, want %s", tt.kind, i.State, tt.want)
		}
		calls := a.Calls()
		if last := calls[len(calls)-1]; last.Status != 0 || last.Code != "ConnectionCut" {
			t.Errorf("%s: recorded %+v", tt.kind, last)
		}
	}
}

func TestFaultsOfInstances(t *testing.T) {
	a := open(t, sandbox.Options{})
	bad, good := a.id("forgotten-poc"), a.id("야간-리포트")
	set := func(f sandbox.Fault) {
		t.Helper()
		if err := a.SetFaults([]sandbox.Fault{f}); err != nil {
			t.Fatal(err)
		}
	}
	state := func(id string) string {
		i, _ := a.Instance(id)
		return i.State
	}

	set(sandbox.Fault{Action: "ec2:StartInstances", Kind: sandbox.Refuse, Type: "m5.xlarge", Code: "InsufficientInstanceCapacity", Count: 1})
	if err := a.start(bad, good); code(err) != "InsufficientInstanceCapacity" {
		t.Errorf("refuse: %v", err)
	}
	if state(good) != "stopped" {
		t.Error("a refused batch changed something")
	}
	if err := a.start(good); err != nil {
		t.Errorf("another type: %v", err)
	}

	set(sandbox.Fault{Action: "ec2:StartInstances", Kind: sandbox.FailStart, ID: bad})
	if err := a.start(bad); err != nil {
		t.Fatal(err)
	}
	if state(bad) != "pending" {
		t.Errorf("a start that will fail: %s", state(bad))
	}
	a.Advance(time.Minute)
	if got := a.one(bad); got.State.Name != "stopped" || *got.StateReason.Code != "Server.InternalError" {
		t.Errorf("after the failed start: %s, %+v", got.State.Name, got.StateReason)
	}

	set(sandbox.Fault{Action: "ec2:StopInstances", Kind: sandbox.Slow, For: time.Hour})
	if err := a.stop(good); err != nil {
		t.Fatal(err)
	}
	a.Advance(59 * time.Minute)
	if state(good) != "stopping" {
		t.Errorf("slow stop after 59 minutes: %s", state(good))
	}
	a.Advance(2 * time.Minute)
	if state(good) != "stopped" {
		t.Errorf("slow stop after 61 minutes: %s", state(good))
	}

	set(sandbox.Fault{Action: "ec2:DescribeInstances", Kind: sandbox.Stale, For: 10 * time.Second})
	if err := a.start(good); err != nil {
		t.Fatal(err)
	}
	if got := a.one(good); got.State.Name != "stopped" || *got.StateTransitionReason == "" {
		t.Errorf("stale answer: %s", got.State.Name)
	}
	a.Advance(11 * time.Second)
	if got := a.one(good); got.State.Name != "pending" {
		t.Errorf("no longer stale: %s", got.State.Name)
	}
}
