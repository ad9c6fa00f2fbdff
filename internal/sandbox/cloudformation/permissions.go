package cloudformation

import (
	"maps"
	"slices"
	"strings"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/state"
)

// calls are the IAM actions that CloudFormation needs for a type of resources:
// those of the handlers in AWS's resource schemas, as far as our properties need
// them. An update reads the resource, too. What follows an @ restricts: to a
// resource that has one of these properties and, in an update, to a change of
// them. Tags are those of the stack.
type calls struct{ create, read, update, remove string }

func permissions() map[string]calls {
	return map[string]calls{
		"AWS::CloudWatch::Alarm": {
			create: "cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:TagResource@Tags",
			read:   "cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource",
			update: "cloudwatch:PutMetricAlarm cloudwatch:TagResource@Tags cloudwatch:UntagResource@Tags",
			remove: "cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms",
		},
		"AWS::IAM::ManagedPolicy": {
			create: "iam:CreatePolicy iam:AttachRolePolicy@Roles",
			read:   "iam:GetPolicy iam:GetPolicyVersion iam:ListEntitiesForPolicy",
			update: "iam:ListPolicyVersions iam:CreatePolicyVersion@PolicyDocument iam:DeletePolicyVersion@PolicyDocument iam:AttachRolePolicy@Roles iam:DetachRolePolicy@Roles",
			remove: "iam:GetPolicy iam:ListPolicyVersions iam:ListEntitiesForPolicy iam:DetachRolePolicy@Roles iam:DeletePolicyVersion iam:DeletePolicy",
		},
		"AWS::IAM::Policy": {
			create: "iam:GetRolePolicy iam:PutRolePolicy", update: "iam:PutRolePolicy iam:DeleteRolePolicy@PolicyName,Roles", remove: "iam:DeleteRolePolicy",
		},
		"AWS::IAM::Role": {
			create: "iam:CreateRole iam:PutRolePolicy@Policies iam:AttachRolePolicy@ManagedPolicyArns iam:TagRole@Tags " + readRole,
			read:   readRole,
			update: "iam:UpdateRole@Description,MaxSessionDuration iam:UpdateRoleDescription@Description iam:UpdateAssumeRolePolicy@AssumeRolePolicyDocument " +
				"iam:PutRolePolicy@Policies iam:DeleteRolePolicy@Policies iam:AttachRolePolicy@ManagedPolicyArns iam:DetachRolePolicy@ManagedPolicyArns " +
				"iam:PutRolePermissionsBoundary@PermissionsBoundary iam:DeleteRolePermissionsBoundary@PermissionsBoundary iam:TagRole@Tags iam:UntagRole@Tags",
			remove: "iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies iam:DetachRolePolicy@ManagedPolicyArns iam:DeleteRolePolicy@Policies iam:DeleteRole",
		},
		"AWS::Lambda::EventInvokeConfig": {
			create: "lambda:PutFunctionEventInvokeConfig", read: "lambda:GetFunctionEventInvokeConfig",
			update: "lambda:UpdateFunctionEventInvokeConfig", remove: "lambda:DeleteFunctionEventInvokeConfig",
		},
		"AWS::Lambda::Function": {
			create: "lambda:CreateFunction lambda:GetFunction iam:PassRole s3:GetObject lambda:TagResource@Tags",
			read:   "lambda:GetFunction",
			update: "lambda:UpdateFunctionCode@Architectures,Code s3:GetObject@Architectures,Code " +
				"lambda:UpdateFunctionConfiguration@Description,Environment,Handler,LoggingConfig,MemorySize,Role,Runtime,Timeout " +
				"iam:PassRole@Role lambda:ListTags@Tags lambda:TagResource@Tags lambda:UntagResource@Tags",
			remove: "lambda:DeleteFunction lambda:GetFunction",
		},
		"AWS::Logs::LogGroup": {
			create: "logs:CreateLogGroup logs:DescribeLogGroups logs:PutRetentionPolicy@RetentionInDays logs:TagResource@Tags",
			read:   "logs:DescribeLogGroups logs:ListTagsForResource",
			update: "logs:PutRetentionPolicy@RetentionInDays logs:TagResource@Tags logs:UntagResource@Tags",
			remove: "logs:DescribeLogGroups logs:DeleteLogGroup",
		},
		"AWS::S3::Bucket": {
			create: "s3:CreateBucket s3:ListBucket " + writeBucket, read: "s3:ListBucket " + readBucket, update: writeBucket, remove: "s3:DeleteBucket s3:ListBucket",
		},
		"AWS::S3::BucketPolicy": {
			create: "s3:GetBucketPolicy s3:PutBucketPolicy", read: "s3:GetBucketPolicy", update: "s3:PutBucketPolicy", remove: "s3:GetBucketPolicy s3:DeleteBucketPolicy",
		},
		"AWS::SNS::Subscription": {
			create: "sns:Subscribe sns:GetSubscriptionAttributes sns:GetTopicAttributes", read: "sns:GetSubscriptionAttributes sns:GetTopicAttributes",
			update: "sns:SetSubscriptionAttributes", remove: "sns:Unsubscribe sns:GetSubscriptionAttributes sns:GetTopicAttributes",
		},
		"AWS::SNS::Topic": {
			create: "sns:CreateTopic sns:GetTopicAttributes sns:TagResource@Tags",
			read:   "sns:GetTopicAttributes sns:ListTagsForResource sns:ListSubscriptionsByTopic",
			update: "sns:SetTopicAttributes@DisplayName,KmsMasterKeyId sns:TagResource@Tags sns:UntagResource@Tags",
			remove: "sns:DeleteTopic sns:GetTopicAttributes",
		},
		"AWS::SNS::TopicPolicy": {create: "sns:SetTopicAttributes", update: "sns:SetTopicAttributes", remove: "sns:SetTopicAttributes"},
		"AWS::SQS::Queue": {
			create: "sqs:CreateQueue sqs:GetQueueUrl sqs:GetQueueAttributes sqs:ListQueueTags sqs:TagQueue@Tags",
			read:   "sqs:GetQueueAttributes sqs:ListQueueTags",
			update: "sqs:SetQueueAttributes@KmsMasterKeyId,MessageRetentionPeriod,SqsManagedSseEnabled,VisibilityTimeout sqs:TagQueue@Tags sqs:UntagQueue@Tags",
			remove: "sqs:DeleteQueue sqs:GetQueueAttributes",
		},
		"AWS::Scheduler::Schedule": {
			create: "scheduler:CreateSchedule scheduler:GetSchedule iam:PassRole", read: "scheduler:GetSchedule",
			update: "scheduler:UpdateSchedule iam:PassRole", remove: "scheduler:DeleteSchedule scheduler:GetSchedule",
		},
		"AWS::Scheduler::ScheduleGroup": {
			create: "scheduler:CreateScheduleGroup scheduler:GetScheduleGroup scheduler:ListTagsForResource scheduler:TagResource@Tags",
			read:   "scheduler:GetScheduleGroup scheduler:ListTagsForResource",
			update: "scheduler:TagResource@Tags scheduler:UntagResource@Tags",
			remove: "scheduler:DeleteScheduleGroup scheduler:GetScheduleGroup",
		},
	}
}

const (
	readRole    = "iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies iam:GetRolePolicy@Policies"
	writeBucket = "s3:PutBucketTagging@Tags s3:PutEncryptionConfiguration@BucketEncryption s3:PutLifecycleConfiguration@LifecycleConfiguration " +
		"s3:PutBucketOwnershipControls@OwnershipControls s3:PutBucketPublicAccessBlock@PublicAccessBlockConfiguration s3:PutBucketVersioning@VersioningConfiguration"
	readBucket = "s3:GetBucketTagging@Tags s3:GetEncryptionConfiguration@BucketEncryption s3:GetLifecycleConfiguration@LifecycleConfiguration " +
		"s3:GetBucketOwnershipControls@OwnershipControls s3:GetBucketPublicAccessBlock@PublicAccessBlockConfiguration s3:GetBucketVersioning@VersioningConfiguration"
)

// question is one call that CloudFormation makes as the caller.
type question struct {
	resource string
	keys     map[string]string // of its conditions
}

// denied says which of some actions the policy of who makes the change does not
// allow; empty where it allows all. counts says which properties count.
func (s *stack) denied(r *record, actions string, counts func(property string) bool) string {
	who := s.operation.who
	for action := range strings.FieldsSeq(actions) {
		action, only, restricted := strings.Cut(action, "@")
		if restricted && !slices.ContainsFunc(strings.Split(only, ","), counts) {
			continue
		}
		for _, q := range s.questions(r, action) {
			if who.Policy.Load().Allows(action, q.resource, &policy.Context{Region: s.region.Name, Keys: q.keys}) {
				continue
			}
			return handlerMessage(r.kind, "User: "+who.ARN+" is not authorized to perform: "+action+" on resource: "+q.resource+
				" because no identity-based policy allows the "+action+" action", "AccessDenied")
		}
	}
	return ""
}

// deniedUpdate is denied for an update from one record to another.
func (s *stack) deniedUpdate(was, is *record) string {
	if reason := s.denied(is, permissions()[is.kind].read, is.has); reason != "" {
		return reason
	}
	changed := changedProperties(was.properties, is.properties)
	return s.denied(is, permissions()[is.kind].update, func(property string) bool {
		if property == "Tags" {
			return !slices.Equal(sorted(was.tags), sorted(is.tags))
		}
		return slices.Contains(changed, property)
	})
}

// has says whether a record has a property; Tags are those of the stack.
func (r *record) has(property string) bool {
	if property == "Tags" {
		return len(r.tags) > 0
	}
	return r.properties[property] != nil
}

// questions are the calls of one action for a resource: one for each that the
// action is about.
func (s *stack) questions(r *record, action string) (list []question) {
	p := r.properties
	ask := func(resource string, keys map[string]string) { list = append(list, question{resource, keys}) }
	service, _, _ := strings.Cut(action, ":")
	switch {
	case action == "iam:PassRole" && r.kind == "AWS::Lambda::Function":
		ask(text(p["Role"]), map[string]string{"iam:PassedToService": "lambda.amazonaws.com"})
	case action == "iam:PassRole":
		ask(text(section(p, "Target")["RoleArn"]), map[string]string{"iam:PassedToService": "scheduler.amazonaws.com"})
	case action == "s3:GetObject":
		code := section(p, "Code")
		ask("arn:aws:s3:::"+text(code["S3Bucket"])+"/"+text(code["S3Key"]), nil)
	case slices.Contains([]string{"logs:DescribeLogGroups", "cloudwatch:DescribeAlarms", "sns:GetSubscriptionAttributes", "sns:Unsubscribe"}, action):
		ask("*", nil)
	case service == "logs" && strings.Contains(action, "Tag"):
		ask(strings.TrimSuffix(r.arn(s.region), ":*"), nil)
	case service == "logs":
		ask(strings.TrimSuffix(r.arn(s.region), "*")+"log-stream:", nil)
	case action == "iam:PutRolePermissionsBoundary" && p["PermissionsBoundary"] == nil, action == "iam:DeleteRolePermissionsBoundary" && p["PermissionsBoundary"] != nil:
	case r.kind == "AWS::IAM::Role":
		s.askOfRole(r.name, action, texts(p["ManagedPolicyArns"]), ask)
	case r.kind == "AWS::IAM::Policy", strings.HasSuffix(action, "RolePolicy"):
		for _, name := range texts(p["Roles"]) {
			s.askOfRole(name, action, []string{r.physical}, ask)
		}
	case r.kind == "AWS::Lambda::EventInvokeConfig":
		ask("arn:aws:lambda:"+s.region.Name+":"+s.region.Owner+":function:"+text(p["FunctionName"]), nil)
	case r.kind == "AWS::S3::BucketPolicy":
		ask("arn:aws:s3:::"+text(p["Bucket"]), nil)
	case r.kind == "AWS::SNS::Subscription":
		ask(text(p["TopicArn"]), nil)
	case r.kind == "AWS::SNS::TopicPolicy":
		for _, topic := range texts(p["Topics"]) {
			ask(topic, nil)
		}
	default:
		ask(r.arn(s.region), nil)
	}
	return list
}

// askOfRole asks for an action on a role: once, or for each policy that is
// attached to it or detached.
func (s *stack) askOfRole(name, action string, policies []string, ask func(string, map[string]string)) {
	keys := map[string]string{}
	resource := state.Slot[stacks](s.region).account.RoleARN(name)
	for _, r := range s.resources {
		if r.kind == "AWS::IAM::Role" && r.name == name {
			keys["iam:PermissionsBoundary"] = text(r.properties["PermissionsBoundary"])
			resource = r.arn(s.region)
		}
	}
	if action != "iam:AttachRolePolicy" && action != "iam:DetachRolePolicy" {
		ask(resource, keys)
		return
	}
	for _, arn := range policies {
		one := maps.Clone(keys)
		one["iam:PolicyARN"] = arn
		ask(resource, one)
	}
}
