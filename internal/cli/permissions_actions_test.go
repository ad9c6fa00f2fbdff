package cli_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
)

// audience is whose policy it is, with the commands that are run under it.
type audience struct {
	name   string
	policy string // the flags of `nightshift policy`
	config string // of the commands; empty means none
	member bool   // it is the policy of the role in the member account
	// slow ones are tried only with $NIGHTSHIFT_TEST_PERMISSIONS.
	slow bool
	// commands are all of the audience, each with the code that it ends with under
	// exactly the printed policy.
	commands []ends
	// needs has a command for each action of the policy that cannot do its work
	// without it, or, with the code 0, does it without and says so.
	needs map[string]ends
	// absent are actions that the account has nothing for; another audience tries
	// them.
	absent []string

	bill object // an export of it, which takes long to make
	// prepare, if not nil, puts into the account what the commands are for.
	prepare func(*trial)
}

type object struct {
	key  string
	body []byte
}

// exported is an export of the account's bill.
func exported(t *testing.T) object {
	y := newTrial(t)
	key, err := y.Sandbox().ExportBill(sandbox.DefaultBucket, "exports", evening())
	y.must(err)
	body, _ := y.Sandbox().Object(sandbox.DefaultBucket, key)
	return object{key, body}
}

// ends is a command with its exit code.
type ends struct {
	args string
	code int
}

// trialAll is where the configuration with accounts and costs is.
const trialAll = trialFolder + "settings/all.yaml"

// audiences are all that `policy --for` knows, but for who deploys, whom
// everyActionOfDeploy tries, and the role in another account. The machines of a kind that cannot be listed are a part of
// what is to be done, so is one account of two.
func audiences() []audience {
	const apply, plan, override = "power apply --wait=false", "power plan", "power override set"
	list := map[string]ends{
		"autoscaling:DescribeAutoScalingGroups": {plan, 3}, "ec2:DescribeInstanceStatus": {plan, 3}, "ec2:DescribeInstances": {plan, 3},
		"ec2:DescribeRegions": {plan + " --region all", 4}, "ec2:DescribeSpotInstanceRequests": {plan, 0},
		"rds:DescribeDBClusters": {plan, 3}, "rds:DescribeDBInstances": {plan, 3}, "rds:DescribeEvents": {plan, 3},
	}
	act := with(list, map[string]ends{
		"autoscaling:CreateOrUpdateTags": {apply, 3}, "autoscaling:ResumeProcesses": {apply, 3}, "autoscaling:SuspendProcesses": {apply, 3},
		"autoscaling:UpdateAutoScalingGroup": {apply, 3}, "ec2:CreateTags": {override + " 야간-리포트 on --until 3h", 4}, "ec2:ModifyInstanceAttribute": {apply, 3},
		"ec2:StartInstances": {apply, 3}, "ec2:StopInstances": {apply, 3}, "rds:AddTagsToResource": {override + " day-orders on --until 3h", 4},
		"rds:StartDBCluster": {apply, 3}, "rds:StartDBInstance": {apply, 3}, "rds:StopDBCluster": {apply, 3}, "rds:StopDBInstance": {apply, 3},
	})
	const observe = "serve --observe"
	const upload = "report --bucket " + sandbox.DefaultBucket
	costs := map[string]ends{
		"cloudwatch:GetMetricData": {upload, 3}, "ec2:DescribeAddresses": {upload, 3},
		"ec2:DescribeCapacityReservations": {upload, 3}, "ec2:DescribeHosts": {upload, 3}, "ec2:DescribeInstanceCreditSpecifications": {upload, 3},
		"ec2:DescribeInstanceTypes": {upload, 3}, "ec2:DescribeInstances": {upload, 3}, "ec2:DescribeRegions": {upload + " --region all", 3},
		"ec2:DescribeSnapshots": {upload, 3}, "ec2:DescribeSpotInstanceRequests": {upload, 0}, "ec2:DescribeSpotPriceHistory": {upload, 3},
		"ec2:DescribeVolumes": {upload, 3},
	}
	home := map[string]ends{"pricing:GetProducts": {upload, 3}, "s3:PutObject": {upload, 4}}
	billed := map[string]ends{"ce:GetCostAndUsageWithResources": {upload, 3}}
	places := map[string]ends{
		"organizations:ListAccounts": {upload, 4}, "sts:AssumeRole": {upload, 3}, "s3:GetObject": {upload, 3}, "s3:ListBucket": {upload, 3},
		"pricing:ListPriceLists": {"cost prices --as-of 2026-10-01", 4}, "pricing:GetPriceListFileUrl": {"cost prices --as-of 2026-10-01", 4},
	}
	return []audience{
		{
			name: "tag", commands: []ends{{"stop --wait=false", 0}, {upload, 0}, {"stop --region all --wait=false", 0}, {"start --wait=false", 0}},
			needs: with(costs, home, map[string]ends{
				"ec2:StopInstances": {"stop --wait=false", 4}, "ec2:StartInstances": {"start --wait=false --tag Days=second", 4},
				"ec2:DescribeInstances": {"stop", 4}, "ec2:DescribeRegions": {"stop --region all", 4}, "ec2:DescribeSpotInstanceRequests": {"stop --wait=false", 0},
			}),
		},
		{
			name: "power", policy: "--for power --config " + trialConfig, config: trialConfig,
			commands: []ends{
				{plan, 0},
				{"power explain 야간-리포트", 0},
				{"power next", 0},
				{"power week", 0},
				{override + " 야간-리포트 on --until 3h", 0},
				{"power override list", 0},
				{"power override clear 야간-리포트", 0},
				{apply, 0},
				{plan + " --region all", 0},
			},
			needs: with(act, map[string]ends{"s3:GetObject": {plan, 4}, "s3:PutObject": {apply, 0}}),
		},
		{
			name: "power by a parameter", policy: "--for power --config " + trialParameter, config: trialParameter, slow: true,
			commands: []ends{{apply, 0}, {plan, 0}},
			needs:    with(act, map[string]ends{"ssm:GetParameter": {plan, 4}, "s3:PutObject": {apply, 0}}),
		},
		{
			name: "report", policy: "--for report --config " + trialAll, config: trialAll, slow: true,
			commands: []ends{
				{upload, 0},
				{"cost explain 야간-리포트", 0},
				{"cost findings", 0},
				{"cost savings", 0},
				{"cost trend", 0},
				{"cost prices", 0},
				{"cost quote --instance m5.large", 0},
				{"cost prices --as-of 2026-10-01", 0},
			},
			needs: with(costs, home, billed, places),
		},
		{
			name: "forecast", policy: "--for forecast --config " + trialAll, config: trialAll, commands: []ends{{"power forecast", 0}},
			needs: with(redirected(list, plan, "power forecast"), map[string]ends{
				"organizations:ListAccounts": {"power forecast", 4}, "sts:AssumeRole": {"power forecast", 3}, "pricing:GetProducts": {"power forecast", 3},
				"ec2:DescribeRegions": {"power forecast --region all", 3},
				"s3:GetObject":        {"power forecast", 4}, "s3:ListBucket": {"power forecast", 0}, "s3:PutObject": {"power forecast", 0},
			}),
		},
		{
			name: "history", policy: "--for history --config " + trialAll, config: trialAll, commands: []ends{{"history", 0}},
			needs: map[string]ends{"s3:GetObject": {"history", 4}, "s3:ListBucket": {"history", 4}},
		},
		{
			name: "observe", policy: "--for observe --config " + trialAll, config: trialAll, slow: true, commands: []ends{{observe, 0}, {observe + " --region all", 0}},
			needs: map[string]ends{
				"autoscaling:DescribeAutoScalingGroups": {observe, 3}, "ec2:DescribeAddresses": {observe, 3}, "ec2:DescribeCapacityReservations": {observe, 3},
				"ec2:DescribeHosts": {observe, 3}, "ec2:DescribeInstanceStatus": {observe, 3},
				"ec2:DescribeInstanceTypes": {observe, 3}, "ec2:DescribeInstances": {observe, 3}, "ec2:DescribeRegions": {observe + " --region all", 3},
				"ec2:DescribeSnapshots": {observe, 3}, "ec2:DescribeSpotInstanceRequests": {observe, 3}, "ec2:DescribeSpotPriceHistory": {observe, 3},
				"ec2:DescribeVolumes": {observe, 3}, "organizations:ListAccounts": {observe, 4}, "pricing:GetProducts": {observe, 3},
				"rds:DescribeDBClusters": {observe, 3}, "rds:DescribeDBInstances": {observe, 3}, "rds:DescribeEvents": {observe, 3},
				"s3:GetObject": {observe, 4}, "s3:ListBucket": {observe, 3}, "sts:AssumeRole": {observe, 3},
			},
		},
		{
			name: "notify", policy: "--for notify --config " + trialNotices, config: trialNotices, commands: []ends{{"notify test", 0}, {"notify list", 0}},
			needs: map[string]ends{
				"secretsmanager:GetSecretValue": {"notify test", 3}, "sns:Publish": {"notify test", 3}, "ssm:GetParameter": {"notify test", 3},
				"s3:GetObject": {"notify test", 4}, "s3:PutObject": {"notify test", 1},
			},
		},
		{
			name: "check", policy: "--for check --config " + trialAll, config: trialAll,
			commands: []ends{{"check --live", 4}}, // it finds that stops and starts are not permitted
			needs: with(answered(redirected(list, plan, "check --live"), 4), map[string]ends{
				"organizations:ListAccounts": {"check --live", 4}, "sts:AssumeRole": {"check --live", 4}, "s3:GetObject": {"check --live", 4},
				"s3:ListBucket": {"check --live", 4}, "s3:PutObject": {"check --live", 4},
			}),
		},
		{
			name: "member", policy: "--member --config " + trialAll, config: trialAll, member: true, slow: true,
			commands: []ends{{apply, 0}, {plan, 0}, {upload, 0}, {"power forecast", 0}, {"check --live", 0}},
			needs: with(costs, billed, act, map[string]ends{
				"ec2:CreateTags": {apply, 0}, "rds:AddTagsToResource": {apply, 0}, "ec2:DescribeRegions": {plan + " --region all", 3},
			}),
			absent: []string{"ec2:DescribeSpotInstanceRequests", "ec2:DescribeSpotPriceHistory"},
		}, // it has no Spot Instance
		backupAudience("backup", trialCopies), backupAudience("backup, approved", trialApproved), backupAudience("backup, one by one", trialSingly),
	}
}

// with puts tables together; the last one to name an action counts.
func with(tables ...map[string]ends) map[string]ends {
	all := map[string]ends{}
	for _, one := range tables {
		maps.Copy(all, one)
	}
	return all
}

// redirected has another command in place of one.
func redirected(table map[string]ends, from, to string) map[string]ends {
	out := map[string]ends{}
	for action, need := range table {
		out[action] = ends{strings.Replace(need.args, from, to, 1), need.code}
	}
	return out
}

// answered has another code.
func answered(table map[string]ends, code int) map[string]ends {
	out := map[string]ends{}
	for action, need := range table {
		out[action] = ends{need.args, code}
	}
	return out
}

// under is a trial whose caller, or role in the member account, has a policy.
// With a configuration there is no capacity for the instance that is to be started.
func (a audience) under(t *testing.T, policy []byte) *trial {
	y := newTrial(t)
	if a.bill.key != "" {
		y.must(y.session().Objects(sandbox.DefaultBucket, "").Put(t.Context(), a.bill.key, a.bill.body))
	}
	faults, err := sandbox.ParseFaults("ec2:StartInstances=refuse,type=m5.large,code=InsufficientInstanceCapacity;ec2:StartInstances=refuse,type=c5.large,code=InsufficientInstanceCapacity")
	y.must(err)
	if a.config != "" {
		y.must(y.Sandbox().SetFaults(faults))
	}
	if a.prepare != nil {
		a.prepare(y)
	}
	if a.member {
		y.must(y.member.SetRolePolicy(sandbox.MemberRole, policy))
	} else {
		y.must(y.Sandbox().SetPolicy(policy))
	}
	return y
}

// runs runs a command of the audience.
func (y *trial) runs(a audience, command string) (code int, output string) {
	args := strings.Fields(command)
	if a.config != "" {
		args = append(args, "--config", a.config)
	}
	if args[0] == "serve" {
		return y.observes(args)
	}
	code, stdout, stderr := y.run(args...)
	return code, stdout + stderr
}

// Every command runs under exactly the printed policy, and each action of it has a
// command that says, without that action, which one it lacks.
func TestEveryActionIsNeeded(t *testing.T) {
	if cli.RaceDetector {
		t.Skip("the race detector is on; this runs without it, in a step of its own")
	}
	for _, a := range audiences() {
		t.Run(a.name, func(t *testing.T) {
			if a.slow && os.Getenv("NIGHTSHIFT_TEST_PERMISSIONS") == "" {
				t.Skip("takes longer; .ci/run sets NIGHTSHIFT_TEST_PERMISSIONS")
			}
			if a.slow && a.prepare == nil {
				a.bill = exported(t)
			}
			printed := newTrial(t).policy(strings.Fields(a.policy)...)
			t.Run("suffices", func(t *testing.T) {
				y := a.under(t, printed)
				for _, c := range a.commands {
					if code, output := y.runs(a, c.args); code != c.code {
						t.Errorf("nightshift %s: code %d, want %d\n%s", c.args, code, c.code, output)
					}
					y.Sandbox().Advance(time.Hour)
				}
			})
			actions := allowedActions(t, printed)
			for _, action := range actions {
				if slices.Contains(a.absent, action) {
					continue
				}
				t.Run("without "+action, func(t *testing.T) { a.lacks(t, printed, action) })
			}
			for action := range a.needs {
				if !slices.Contains(actions, action) {
					t.Errorf("the policy does not have %s, which the table has a command for", action)
				}
			}
		})
	}
	t.Run("deploy", everyActionOfDeploy)
}

// lacks runs the command for an action without it.
func (a audience) lacks(t *testing.T, printed []byte, action string) {
	need, ok := a.needs[action]
	if !ok {
		t.Fatalf("the table has no command that needs %s", action)
	}
	y := a.under(t, mutated(t, printed, func(s map[string]any) bool {
		left := slices.DeleteFunc(s["Action"].([]any), func(one any) bool { return one == action })
		s["Action"] = left
		return len(left) > 0
	}))
	code, output := y.runs(a, need.args)
	if code != need.code || !slices.ContainsFunc(strings.Split(output, "\n"), func(line string) bool {
		return strings.Contains(line, action) && len(strings.Fields(line)) > 2
	}) {
		t.Errorf("nightshift %s: code %d, want %d and a sentence that names %s\n%s", need.args, code, need.code, action, output)
	}
}

// mutated is a policy with its statements changed; those for which change says no
// are left out.
func mutated(t *testing.T, policy []byte, change func(statement map[string]any) bool) []byte {
	t.Helper()
	var document struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal(policy, &document); err != nil {
		t.Fatal(err)
	}
	document.Statement = slices.DeleteFunc(document.Statement, func(s map[string]any) bool { return !change(s) })
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
