package stack

import (
	"cmp"
	"maps"
	"strings"

	"nightshift/internal/fleet"
)

// Deployer is what `nightshift deploy` works on, for the policy of the person or
// the pipeline that calls it.
type Deployer struct {
	// Stack is the name of the stack, RolePath the path of its roles and policies;
	// empty means /nightshift/STACK/.
	Stack, RolePath string
	// Boundary is the ARN of the policy that must bound the roles; empty asks for
	// none.
	Boundary string
	// Bucket holds code and configuration; empty means that which deploy makes.
	Bucket string
	// ServiceRole is the ARN of a role that CloudFormation works with. Then the
	// person needs no rights on what is in the stack: the role does.
	ServiceRole string
}

// deploying are the statements for who deploys. What CloudFormation does as the
// caller is in no SDK call of ours: it is read from the schemas of the resource
// types ("handlers"), and has been tried in the sandbox alone.
func (s Scope) deploying() []Statement {
	d := s.Deployer
	d.Stack = cmp.Or(d.Stack, "nightshift")
	account := cmp.Or(s.Account, "*")
	bucket := cmp.Or(d.Bucket, "nightshift-artifacts-"+account+"-*")
	regional := func(service, resource string) string { return s.arn(service, "*", account, resource) }

	var list statements
	list.allow("ChangeStack", []string{
		"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DeleteStack", "cloudformation:DescribeChangeSet",
		"cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks", "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate",
		"cloudformation:ListChangeSets", "cloudformation:ListStackResources", "cloudformation:UpdateTerminationProtection",
	}, []string{regional("cloudformation", "stack/"+d.Stack+"/*")}, nil)
	list.allow("StoreArtifacts", []string{"s3:CreateBucket", "s3:ListBucket"}, []string{s.arn("s3", "", "", bucket)}, nil)
	list.allow("StoreArtifactsOfStack", []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}, []string{s.arn("s3", "", "", bucket+"/"+d.Stack+"/*")}, nil)
	list.allow("FindKeptReports", []string{"s3:GetBucketTagging", "s3:ListBucket"}, []string{s.arn("s3", "", "", reportsNamed(d.Stack))}, nil)
	list.allow("ListBuckets", []string{"s3:ListAllMyBuckets"}, []string{"*"}, nil)
	list.allow("TryFunction", []string{"lambda:InvokeFunction"}, []string{regional("lambda", "function:"+named(d.Stack))}, nil)
	list.allow("SeeSubscriptions", []string{"sns:ListSubscriptionsByTopic"}, []string{regional("sns", named(d.Stack))}, nil)
	if d.ServiceRole != "" {
		list.allow("HandOverRole", []string{"iam:PassRole"}, []string{d.ServiceRole}, Condition{"StringEquals": {"iam:PassedToService": {"cloudformation.amazonaws.com"}}})
		return list
	}
	s.deployingRoles(&list, d)
	s.deployingResources(&list, d.Stack, regional)
	return list
}

// alwaysNamed is how much of a stack's name is in the names that CloudFormation
// makes, however short those must be.
const alwaysNamed = 20

// named matches the names that CloudFormation makes for resources of a stack.
func named(stack string) string {
	if len(stack) > alwaysNamed {
		return stack[:alwaysNamed] + "*"
	}
	return stack + "-*"
}

// reportsNamed matches that of its report bucket, which has no capitals.
func reportsNamed(stack string) string {
	if len(stack) <= alwaysNamed {
		stack += "-reports"
	}
	return strings.ToLower(named(stack))
}

// deployingRoles permits to make roles and policies, and only below their path:
// what is made there cannot be attached elsewhere, nor can other policies be
// attached there.
func (s Scope) deployingRoles(list *statements, d Deployer) {
	path := cmp.Or(d.RolePath, "/nightshift/"+d.Stack+"/")
	account := cmp.Or(s.Account, "*")
	roles, policies := s.arn("iam", "", account, "role"+path+"*"), s.arn("iam", "", account, "policy"+path+"*")
	bounded := func(c Condition) Condition {
		if d.Boundary == "" {
			return c
		}
		all := Condition{"StringEquals": {"iam:PermissionsBoundary": {d.Boundary}}}
		maps.Copy(all, c)
		return all
	}
	// Who must give a boundary cannot take one away.
	boundary := "iam:DeleteRolePermissionsBoundary"
	if d.Boundary != "" {
		boundary = "iam:PutRolePermissionsBoundary"
	}
	list.allow("MakeRoles", []string{"iam:CreateRole", boundary, "iam:DeleteRolePolicy", "iam:PutRolePolicy"}, []string{roles}, bounded(nil))
	list.allow("AttachPolicies", []string{"iam:AttachRolePolicy", "iam:DetachRolePolicy"}, []string{roles}, bounded(Condition{"ArnLike": {"iam:PolicyARN": {policies}}}))
	list.allow("KeepRoles", []string{
		"iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole",
		"iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
	}, []string{roles}, nil)
	list.allow("KeepPolicies", []string{
		"iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:GetPolicy", "iam:GetPolicyVersion",
		"iam:ListEntitiesForPolicy", "iam:ListPolicyVersions",
	}, []string{policies}, nil)
	list.allow("PassRoles", []string{"iam:PassRole"}, []string{roles}, Condition{
		"StringEquals": {"iam:PassedToService": {"lambda.amazonaws.com", "scheduler.amazonaws.com"}},
	})
}

// deployingResources permits to make what else is in the stack, by the names that
// CloudFormation gives.
func (s Scope) deployingResources(list *statements, stack string, regional func(service, resource string) string) {
	list.allow("MakeFunction", []string{
		"lambda:CreateFunction", "lambda:DeleteFunction", "lambda:DeleteFunctionEventInvokeConfig", "lambda:GetFunction", "lambda:GetFunctionEventInvokeConfig",
		"lambda:ListTags", "lambda:PutFunctionEventInvokeConfig", "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateFunctionCode",
		"lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionEventInvokeConfig",
	}, []string{regional("lambda", "function:"+named(stack))}, nil)
	list.allow("MakeLog", []string{
		"logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:ListTagsForResource", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
	}, []string{regional("logs", "log-group:/nightshift/"+stack), regional("logs", "log-group:/nightshift/"+stack+":*")}, nil)
	list.allow("SeeLogs", []string{"logs:DescribeLogGroups"}, []string{"*"}, nil)
	list.allow("MakeQueue", []string{
		"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:SetQueueAttributes",
		"sqs:TagQueue", "sqs:UntagQueue",
	}, []string{regional("sqs", named(stack))}, nil)
	list.allow("MakeSchedules", []string{
		"scheduler:CreateSchedule", "scheduler:CreateScheduleGroup", "scheduler:DeleteSchedule", "scheduler:DeleteScheduleGroup", "scheduler:GetSchedule",
		"scheduler:GetScheduleGroup", "scheduler:ListTagsForResource", "scheduler:TagResource", "scheduler:UntagResource", "scheduler:UpdateSchedule",
	}, []string{regional("scheduler", "schedule-group/nightshift-*"), regional("scheduler", "schedule/nightshift-*/"+named(stack))}, nil)
	list.allow("MakeAlarms", []string{
		"cloudwatch:DeleteAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource",
	}, []string{regional("cloudwatch", "alarm:"+named(stack))}, nil)
	list.allow("SeeAlarms", []string{"cloudwatch:DescribeAlarms"}, []string{"*"}, nil)
	list.allow("MakeTopic", []string{
		"sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:SetTopicAttributes",
		"sns:Subscribe", "sns:TagResource", "sns:UntagResource",
	}, []string{regional("sns", named(stack))}, nil)
	// A subscription is no resource that a policy can name.
	list.allow("EndSubscriptions", []string{"sns:GetSubscriptionAttributes", "sns:Unsubscribe"}, []string{"*"}, nil)
	// An empty bucket of a first deployment that fails is deleted again.
	list.allow("MakeReportBucket", []string{
		"s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:GetBucketOwnershipControls", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock",
		"s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
		"s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
	}, []string{s.arn("s3", "", "", reportsNamed(stack))}, nil)
}

// checkDeployer refuses what would make a policy that is for two.
func (s Scope) checkDeployer() error {
	if s.Jobs&Deploy == 0 || s.Jobs == Deploy && !s.Member {
		return nil
	}
	return fleet.Errorf(fleet.ErrInvalid, "deploy is done by a person or a pipeline, the other jobs by the function: print the policy for deploy on its own")
}
