package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

// The members that tests add to the management account.
const (
	memberOne = "200000000001"
	memberTwo = "200000000002"
)

// organization opens a sandbox with two member accounts.
func organization(t testing.TB, o sandbox.Options) *account {
	t.Helper()
	o.Accounts = append(sandbox.Members(2), o.Accounts...)
	return open(t, o)
}

// assume opens a session of MemberRole in a member account.
func (a *account) assume(id string) aws.Config {
	a.t.Helper()
	out, err := a.sts.AssumeRole(a.t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(a.Account(id).RoleARN(sandbox.MemberRole)), RoleSessionName: aws.String("night"),
		ExternalId: aws.String(sandbox.MemberExternalID),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	cfg := a.config(sandbox.DefaultRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(
		*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return cfg
}

// shows lists the instances that a configuration's caller sees, by owner.
func (a *account) shows(cfg aws.Config) map[string][]string {
	a.t.Helper()
	out, err := ec2.NewFromConfig(cfg).DescribeInstances(a.t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	seen := map[string][]string{}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			seen[*r.OwnerId] = append(seen[*r.OwnerId], *i.InstanceId)
		}
	}
	return seen
}

func TestEachAccountHasItsOwnFleet(t *testing.T) {
	a := organization(t, sandbox.Options{})
	fleets := map[string][]string{}
	for _, one := range a.Accounts() {
		cfg := a.config(sandbox.DefaultRegion)
		if one.ID() != sandbox.AccountID {
			cfg = a.assume(one.ID())
		}
		seen := a.shows(cfg)
		fleets[one.ID()] = seen[one.ID()]
		if len(seen) != 1 || len(seen[one.ID()]) < 4 {
			t.Errorf("account %s sees the instances %v", one.ID(), seen)
		}
		var known []string
		for _, i := range one.Instances(sandbox.DefaultRegion) {
			known = append(known, i.ID)
		}
		if diff := cmp.Diff(known, fleets[one.ID()]); diff != "" {
			t.Errorf("account %s: -Instances +seen\n%s", one.ID(), diff)
		}
	}
	whose := map[string]string{}
	for owner, ids := range fleets {
		for _, id := range ids {
			if whose[id] != "" {
				t.Errorf("%s belongs to %s and %s", id, whose[id], owner)
			}
			whose[id] = owner
		}
	}
	// The same options make the same accounts; the members change nothing in the
	// management account.
	again, alone := organization(t, sandbox.Options{}), open(t, sandbox.Options{})
	if diff := cmp.Diff(again.Account(memberTwo).Instances(sandbox.DefaultRegion), a.Account(memberTwo).Instances(sandbox.DefaultRegion)); diff != "" {
		t.Errorf("a member made again: %s", diff)
	}
	if diff := cmp.Diff(alone.Instances(sandbox.DefaultRegion), a.Instances(sandbox.DefaultRegion)); diff != "" {
		t.Errorf("the management account: -alone +with members\n%s", diff)
	}
}

func TestChangesStayInTheirAccount(t *testing.T) {
	a := organization(t, sandbox.Options{})
	member := a.Account(memberOne)
	cfg := a.assume(memberOne)
	client := ec2.NewFromConfig(cfg)
	theirs := member.Instances(sandbox.DefaultRegion)[0].ID

	if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{a.id("개발-WAS-1")}}); code(err) != "InvalidInstanceID.NotFound" {
		t.Errorf("an instance of the management account: %v", err)
	}
	if err := a.stop(theirs); code(err) != "InvalidInstanceID.NotFound" {
		t.Errorf("an instance of the member: %v", err)
	}
	if _, err := client.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{theirs}}); err != nil {
		t.Errorf("its own instance: %v", err)
	}
	if _, ok := a.Instance(theirs); ok {
		t.Error("the management account knows an instance of the member")
	}
	if i, ok := member.Instance(theirs); !ok || i.ID != theirs {
		t.Errorf("the member finds %+v, %t", i, ok)
	}
}

// TestARNsNameTheAccount asks each service for what names its account.
func TestARNsNameTheAccount(t *testing.T) {
	a := organization(t, sandbox.Options{})
	member := a.Account(memberTwo)
	if err := member.AddGroup(sandbox.DefaultRegion, sandbox.Group{Name: "workers", Max: 1}); err != nil {
		t.Fatal(err)
	}
	if err := member.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/own", Value: "theirs"}); err != nil {
		t.Fatal(err)
	}
	cfg := a.assume(memberTwo)
	databases, err := rds.NewFromConfig(cfg).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	if err != nil || len(databases.DBInstances) != 1 || !strings.Contains(*databases.DBInstances[0].DBInstanceArn, ":"+memberTwo+":db:dev-mysql-0002") {
		t.Errorf("databases: %+v, %v", databases, err)
	} else if tags, err := rds.NewFromConfig(cfg).ListTagsForResource(t.Context(), &rds.ListTagsForResourceInput{
		ResourceName: databases.DBInstances[0].DBInstanceArn,
	}); err != nil || len(tags.TagList) != 2 {
		t.Errorf("tags of a database: %v", err)
	}
	groups, err := autoscaling.NewFromConfig(cfg).DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
	if err != nil || len(groups.AutoScalingGroups) != 1 || !strings.Contains(*groups.AutoScalingGroups[0].AutoScalingGroupARN, ":"+memberTwo+":") {
		t.Errorf("groups: %+v, %v", groups, err)
	}
	parameter, err := ssm.NewFromConfig(cfg).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/own")})
	if err != nil || *parameter.Parameter.Value != "theirs" || !strings.Contains(*parameter.Parameter.ARN, ":"+memberTwo+":") {
		t.Errorf("parameter: %+v, %v", parameter, err)
	}
	if _, err := ssm.NewFromConfig(a.config(sandbox.DefaultRegion)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/own")}); code(err) != "ParameterNotFound" {
		t.Errorf("the management account reads the member's parameter: %v", err)
	}
	cfg.Region = "us-east-1"
	if _, err := pricing.NewFromConfig(cfg).DescribeServices(t.Context(), &pricing.DescribeServicesInput{}); err != nil {
		t.Errorf("the price list is for every account: %v", err)
	}
	owned, err := ec2.NewFromConfig(cfg).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("owner-id", memberTwo)}})
	if err != nil || len(owned.Reservations) != 1 || *owned.Reservations[0].Instances[0].NetworkInterfaces[0].OwnerId != memberTwo {
		t.Errorf("instances by owner in Virginia: %v", err)
	}
}

func TestBucketsBelongToAccounts(t *testing.T) {
	a := organization(t, sandbox.Options{Accounts: []sandbox.AccountOptions{{ID: "300000000003", Buckets: []string{"theirs"}}}})
	cfg := a.assume(memberOne)
	member := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	ctx, bucket, key := t.Context(), sandbox.DefaultBucket, "report"
	if err := a.put(bucket, key, "secret"); err != nil {
		t.Fatal(err)
	}
	location := &s3types.CreateBucketConfiguration{LocationConstraint: sandbox.DefaultRegion}
	create := func(name string) error {
		_, err := member.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: location})
		return err
	}
	if err := create("member-reports"); err != nil {
		t.Fatal(err)
	}
	if err := create(bucket); code(err) != "BucketAlreadyExists" {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := create("member-reports"); code(err) != "BucketAlreadyOwnedByYou" {
		t.Errorf("its own name: %v", err)
	}
	if _, err := member.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}); code(err) != "AccessDenied" || !strings.Contains(message(err), "no resource-based policy") {
		t.Errorf("another account's object: %v", err)
	}
	if _, err := member.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String("member-reports"), Key: &key, CopySource: aws.String(bucket + "/" + key),
	}); code(err) != "AccessDenied" {
		t.Errorf("a copy of another account's object: %v", err)
	}
	list, err := member.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(list.Buckets) != 1 || *list.Buckets[0].Name != "member-reports" || list.Buckets[0].CreationDate.IsZero() {
		t.Errorf("the member's buckets: %+v, %v", list, err)
	}
	if diff := cmp.Diff([]string{bucket}, a.Buckets()); diff != "" {
		t.Errorf("the management account's buckets: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"theirs"}, a.Account("300000000003").Buckets()); diff != "" {
		t.Errorf("buckets of the options: -want +got\n%s", diff)
	}
}

// TestAccountsHaveTheirOwnTokenBuckets empties one account's bucket; the other's
// stays full.
func TestAccountsHaveTheirOwnTokenBuckets(t *testing.T) {
	a := organization(t, sandbox.Options{Throttle: true})
	start := func(cfg aws.Config, id string) error {
		_, err := ec2.NewFromConfig(cfg).StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
		return err
	}
	one, two := a.assume(memberOne), a.assume(memberTwo)
	for range 5 {
		if err := start(one, a.Account(memberOne).Instances(sandbox.DefaultRegion)[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := start(one, a.Account(memberOne).Instances(sandbox.DefaultRegion)[0].ID); code(err) != "RequestLimitExceeded" {
		t.Errorf("the sixth request: %v", err)
	}
	if err := start(two, a.Account(memberTwo).Instances(sandbox.DefaultRegion)[0].ID); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestGeneratedMember(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 30, Accounts: []sandbox.AccountOptions{
		{ID: memberOne, Fleet: 50, Types: 5, Regions: []string{sandbox.DefaultRegion}, Roles: sandbox.Members(1)[0].Roles},
		{ID: memberTwo, Fleet: 50, Types: 5},
	}})
	one, two := a.Account(memberOne).Instances(sandbox.DefaultRegion), a.Account(memberTwo).Instances(sandbox.DefaultRegion)
	if len(a.Instances(sandbox.DefaultRegion)) != 30 || len(one) != 50 || len(two) != 50 || one[0].ID == two[0].ID {
		t.Errorf("%d, %d and %d instances", len(a.Instances(sandbox.DefaultRegion)), len(one), len(two))
	}
	out, err := ec2.NewFromConfig(a.assume(memberOne)).DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{})
	if err != nil || len(out.Regions) != 1 {
		t.Errorf("regions of the member: %v, %v", out, err)
	}
	cfg := a.assume(memberOne)
	cfg.Region = "us-east-1"
	if _, err := ec2.NewFromConfig(cfg).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); code(err) != "AuthFailure" {
		t.Errorf("a region that the member has not: %v", err)
	}
	if _, err := ssm.NewFromConfig(cfg).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/x")}); code(err) != "UnrecognizedClientException" {
		t.Errorf("the same of a JSON service: %v", err)
	}
}

func TestCallsAndFaultsNameTheAccount(t *testing.T) {
	faults, err := sandbox.ParseFaults("ec2:Describe*=throttle,account=" + memberOne + "; sts:AssumeRole=deny,id=arn:aws:iam::" + memberTwo + ":*")
	if err != nil {
		t.Fatal(err)
	}
	a := organization(t, sandbox.Options{Faults: faults})
	cfg := a.assume(memberOne)
	if _, err := ec2.NewFromConfig(cfg).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); code(err) != "RequestLimitExceeded" {
		t.Errorf("the member that is struck: %v", err)
	}
	if _, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); err != nil {
		t.Errorf("the management account: %v", err)
	}
	if err := a.assumeRole(assumption{account: memberTwo}); code(err) != "AccessDenied" {
		t.Errorf("the role that is struck: %v", err)
	}
	var got []string
	for _, c := range a.Calls() {
		got = append(got, c.Action+" "+c.Account+" "+c.Code)
	}
	want := []string{
		"AssumeRole " + sandbox.AccountID + " ", "DescribeInstances " + memberOne + " RequestLimitExceeded",
		"DescribeInstances " + sandbox.AccountID + " ", "AssumeRole " + sandbox.AccountID + " AccessDenied",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls: -want +got\n%s", diff)
	}
	if err := a.SetFaults([]sandbox.Fault{{Action: "*", Kind: sandbox.Cut, Account: "9*"}}); err == nil || !strings.Contains(err.Error(), `no account "9*"`) {
		t.Errorf("a fault of an account that is not there: %v", err)
	}
}

func TestAccountsThatMeanNothing(t *testing.T) {
	role := func(r sandbox.Role) []sandbox.AccountOptions {
		return []sandbox.AccountOptions{{ID: memberOne, Roles: []sandbox.Role{r}}}
	}
	for name, tt := range map[string]struct {
		accounts []sandbox.AccountOptions
		part     string
	}{
		"number":          {[]sandbox.AccountOptions{{ID: "12"}}, "twelve digits"},
		"twice":           {[]sandbox.AccountOptions{{ID: memberOne}, {ID: memberOne}}, "there is one already"},
		"management":      {[]sandbox.AccountOptions{{ID: sandbox.AccountID}}, "there is one already"},
		"fleet":           {[]sandbox.AccountOptions{{ID: memberOne, Fleet: -1}}, "fewer than none"},
		"region":          {[]sandbox.AccountOptions{{ID: memberOne, Regions: []string{"Seoul"}}}, `region "Seoul"`},
		"bucket":          {[]sandbox.AccountOptions{{ID: memberOne, Buckets: []string{sandbox.DefaultBucket}}}, "belongs to account " + sandbox.AccountID},
		"role name":       {role(sandbox.Role{Name: "night shift"}), "not the name of a role"},
		"no role name":    {role(sandbox.Role{}), "not the name of a role"},
		"external id":     {role(sandbox.Role{Name: "night", ExternalID: "x"}), "two characters"},
		"longest session": {role(sandbox.Role{Name: "night", MaxSession: 13 * time.Hour}), "from 1h to 12h"},
		"role policy":     {role(sandbox.Role{Name: "night", Policy: []byte("{")}), "role night: policy"},
	} {
		if _, err := sandbox.New(sandbox.Options{Accounts: tt.accounts}); err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%s: %v; want …%s…", name, err, tt.part)
		}
	}
}
