package cloudformation

import (
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// kind is a type of resources: what of its schema the sandbox obeys.
type kind struct {
	// properties that it may have, and those of them that replace the resource
	// where they change ("createOnlyProperties") and that it must have.
	properties, replaces, required string
	// name is the property that names it; empty where it has none.
	name string
	// longest is how long the name may be that CloudFormation makes.
	longest int
	tagged  bool // stack tags are carried over to it
	takes   time.Duration
	// arn is its ARN with the names of fill in braces; empty where it has none.
	arn string
	// ref is what Ref gives, where it is not the name.
	ref string
	// attributes are what Fn::GetAtt gives beside Arn.
	attributes map[string]string
}

// kinds are the types of resources that the sandbox has, by name: those of the
// template that installs nightshift. Properties are those of AWS's schemas.
func kinds() map[string]kind {
	return map[string]kind{
		"AWS::CloudWatch::Alarm": {
			properties: "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm Dimensions " +
				"EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Metrics Namespace " +
				"OKActions Period Statistic Tags Threshold ThresholdMetricId TreatMissingData Unit",
			replaces: "AlarmName", required: "ComparisonOperator EvaluationPeriods", name: "AlarmName", longest: 255, tagged: true,
			arn: "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
		},
		"AWS::IAM::ManagedPolicy": {
			properties: "Description Groups ManagedPolicyName Path PolicyDocument Roles Users",
			replaces:   "Description ManagedPolicyName Path", required: "PolicyDocument", name: "ManagedPolicyName", longest: 128, takes: 15 * time.Second,
			arn: "arn:aws:iam::{account}:policy{path}{name}", ref: "arn:aws:iam::{account}:policy{path}{name}",
		},
		"AWS::IAM::Policy": {
			properties: "Groups PolicyDocument PolicyName Roles Users", required: "PolicyDocument PolicyName", longest: 64, takes: 15 * time.Second,
		},
		"AWS::IAM::Role": {
			properties: "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary Policies RoleName Tags",
			replaces:   "Path RoleName", required: "AssumeRolePolicyDocument", name: "RoleName", longest: 64, tagged: true, takes: 15 * time.Second,
			arn: "arn:aws:iam::{account}:role{path}{name}",
		},
		"AWS::Lambda::EventInvokeConfig": {
			properties: "DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier",
			replaces:   "FunctionName Qualifier", required: "FunctionName Qualifier", longest: 64,
		},
		"AWS::Lambda::Function": {
			properties: "Architectures Code CodeSigningConfigArn DeadLetterConfig Description Environment EphemeralStorage FileSystemConfigs " +
				"FunctionName Handler ImageConfig KmsKeyArn Layers LoggingConfig MemorySize PackageType RecursiveLoop " +
				"ReservedConcurrentExecutions Role Runtime RuntimeManagementConfig SnapStart Tags Timeout TracingConfig VpcConfig",
			replaces: "FunctionName PackageType", required: "Code Role", name: "FunctionName", longest: 64, tagged: true, takes: 7 * time.Second,
			arn: "arn:aws:lambda:{region}:{account}:function:{name}",
		},
		"AWS::Logs::LogGroup": {
			properties: "DataProtectionPolicy FieldIndexPolicies KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags",
			replaces:   "LogGroupName", name: "LogGroupName", longest: 512, tagged: true,
			arn: "arn:aws:logs:{region}:{account}:log-group:{name}:*",
		},
		"AWS::S3::Bucket": {
			properties: "AccelerateConfiguration AccessControl AnalyticsConfigurations BucketEncryption BucketName CorsConfiguration " +
				"IntelligentTieringConfigurations InventoryConfigurations LifecycleConfiguration LoggingConfiguration MetricsConfigurations " +
				"NotificationConfiguration ObjectLockConfiguration ObjectLockEnabled OwnershipControls PublicAccessBlockConfiguration " +
				"ReplicationConfiguration Tags VersioningConfiguration WebsiteConfiguration",
			replaces: "BucketName", name: "BucketName", longest: 63, tagged: true, takes: 15 * time.Second,
			arn: "arn:aws:s3:::{name}", attributes: map[string]string{
				"DomainName": "{name}.s3.amazonaws.com", "RegionalDomainName": "{name}.s3.{region}.amazonaws.com",
			},
		},
		"AWS::S3::BucketPolicy": {
			properties: "Bucket PolicyDocument", replaces: "Bucket", required: "Bucket PolicyDocument", longest: 63,
		},
		"AWS::SNS::Subscription": {
			properties: "DeliveryPolicy Endpoint FilterPolicy FilterPolicyScope Protocol RawMessageDelivery RedrivePolicy Region " +
				"ReplayPolicy SubscriptionRoleArn TopicArn",
			replaces: "Endpoint Protocol TopicArn", required: "Protocol TopicArn", longest: 255,
		},
		"AWS::SNS::Topic": {
			properties: "ArchivePolicy ContentBasedDeduplication DataProtectionPolicy DeliveryStatusLogging DisplayName FifoTopic " +
				"KmsMasterKeyId SignatureVersion Subscription Tags TopicName TracingConfig",
			replaces: "FifoTopic TopicName", name: "TopicName", longest: 256, tagged: true,
			arn: "arn:aws:sns:{region}:{account}:{name}", ref: "arn:aws:sns:{region}:{account}:{name}", attributes: map[string]string{
				"TopicArn": "arn:aws:sns:{region}:{account}:{name}", "TopicName": "{name}",
			},
		},
		"AWS::SNS::TopicPolicy": {
			properties: "PolicyDocument Topics", required: "PolicyDocument Topics", longest: 255,
		},
		"AWS::SQS::Queue": {
			properties: "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit " +
				"KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName " +
				"ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled Tags VisibilityTimeout",
			replaces: "FifoQueue QueueName", name: "QueueName", longest: 80, tagged: true, takes: 5 * time.Second,
			arn: "arn:aws:sqs:{region}:{account}:{name}", ref: "https://sqs.{region}.amazonaws.com/{account}/{name}", attributes: map[string]string{
				"QueueName": "{name}", "QueueUrl": "https://sqs.{region}.amazonaws.com/{account}/{name}",
			},
		},
		"AWS::Scheduler::Schedule": {
			properties: "Description EndDate FlexibleTimeWindow GroupName KmsKeyArn Name ScheduleExpression ScheduleExpressionTimezone StartDate State Target",
			replaces:   "Name", required: "FlexibleTimeWindow ScheduleExpression Target", name: "Name", longest: 64,
			arn: "arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}",
		},
		"AWS::Scheduler::ScheduleGroup": {
			properties: "Name Tags", replaces: "Name", name: "Name", longest: 64, tagged: true,
			arn: "arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
		},
	}
}

// checkProperties refuses properties that a type does not have, and the lack of
// those that it must have.
func checkProperties(r resource) *wire.Error {
	k := kinds()[r.kind]
	for _, name := range keys(r.properties) {
		if !slices.Contains(strings.Fields(k.properties), name) {
			return wire.ValidationError("Properties validation failed for resource " + r.id +
				" with message: #: extraneous key [" + name + "] is not permitted")
		}
	}
	for name := range strings.FieldsSeq(k.required) {
		if _, there := r.properties[name]; !there {
			return wire.ValidationError("Properties validation failed for resource " + r.id +
				" with message: #: required key [" + name + "] not found")
		}
	}
	return nil
}

// fill writes the names of a record into a pattern of its kind.
func (r *record) fill(pattern string, in *state.Region) string {
	path, group := text(r.properties["Path"]), text(r.properties["GroupName"])
	if path == "" {
		path = "/"
	}
	if group == "" {
		group = "default"
	}
	return strings.NewReplacer("{region}", in.Name, "{account}", in.Owner, "{name}", r.name, "{path}", path, "{group}", group).Replace(pattern)
}

// arn is the ARN of a record; empty where its kind has none.
func (r *record) arn(in *state.Region) string { return r.fill(kinds()[r.kind].arn, in) }

// attribute is what Fn::GetAtt or, without a name, Ref gives.
func (r *record) attribute(name string, in *state.Region) (string, *wire.Error) {
	k := kinds()[r.kind]
	switch pattern := k.attributes[name]; {
	case name == "":
		return r.physical, nil
	case pattern != "":
		return r.fill(pattern, in), nil
	case name == "Arn" && k.arn != "" && r.kind != "AWS::SNS::Topic":
		return r.arn(in), nil
	}
	return "", templateError("resource %s does not support attribute type %s in Fn::GetAtt", r.id, name)
}
