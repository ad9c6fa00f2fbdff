package stack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// The versions of the APIs with the Query protocol.
const iamVersion, snsVersion, alarmVersion = "2010-05-08", "2010-03-31", "2010-08-01"

// complete adds the ARNs of resources to their names.
func (m moto) complete(names map[string]string) {
	m.t.Helper()
	role := m.query("iam", iamVersion, "GetRole", map[string]any{"RoleName": names["SchedulerRole"]})["Role"].(map[string]any)
	names["SchedulerRole.Arn"] = role["Arn"].(string)
	queue := names["Undelivered"][strings.LastIndex(names["Undelivered"], "/")+1:]
	names["Undelivered.QueueName"], names["Undelivered.Arn"] = queue, "arn:aws:sqs:us-east-1:123456789012:"+queue
	names["Log.Arn"] = "arn:aws:logs:us-east-1:123456789012:log-group:" + names["Log"] // AWS adds :*
	names["Reports.Arn"] = "arn:aws:s3:::" + names["Reports"]
	parts := strings.Split(names["AWS::StackId"], "/")
	names["Schedules"] = "nightshift-" + parts[len(parts)-1]
	names["Schedules.Arn"] = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/" + names["Schedules"]
}

// put makes a resource that moto's CloudFormation does not make.
func (m moto) put(kind, id string, r resolver) {
	m.t.Helper()
	properties := typed(r.property(id)).(map[string]any)
	switch kind {
	case "AWS::Lambda::EventInvokeConfig":
		m.rest("lambda", http.MethodPut, "/2019-09-25/functions/"+r.names["Function"]+"/event-invoke-config", "", properties)
	case "AWS::Scheduler::ScheduleGroup":
		m.rest("scheduler", http.MethodPost, "/schedule-groups/"+r.names[id], "", map[string]any{})
	case "AWS::Scheduler::Schedule":
		m.rest("scheduler", http.MethodPost, "/schedules/"+id, "", properties)
	case "AWS::SNS::TopicPolicy":
		in := map[string]any{"TopicArn": r.names["AlarmTopic"], "AttributeName": "Policy", "AttributeValue": m.text(properties["PolicyDocument"])}
		m.query("sns", snsVersion, "SetTopicAttributes", in)
	case "AWS::SNS::Subscription":
		m.query("sns", snsVersion, "Subscribe", properties)
	case "AWS::CloudWatch::Alarm":
		properties["AlarmName"] = id
		m.query("monitoring", alarmVersion, "PutMetricAlarm", properties)
	case "AWS::S3::BucketPolicy":
		m.send("s3", http.MethodPut, "/"+r.names["Reports"]+"?policy", nil, []byte(m.text(properties["PolicyDocument"])))
	default:
		m.t.Errorf("nothing makes %s", kind)
	}
}

// get asks the service of a resource for it, and gives what it shows by the names
// that properties have in a template.
func (m moto) get(kind, id string, r resolver) map[string]any {
	m.t.Helper()
	name := r.names[id]
	switch kind {
	case "AWS::Lambda::Function":
		return m.rest("lambda", http.MethodGet, "/2015-03-31/functions/"+name, "", nil)["Configuration"].(map[string]any)
	case "AWS::Lambda::EventInvokeConfig":
		got := m.rest("lambda", http.MethodGet, "/2019-09-25/functions/"+r.names["Function"]+"/event-invoke-config", "", nil)
		got["FunctionName"] = r.names["Function"]
		return got
	case "AWS::Scheduler::ScheduleGroup":
		return m.rest("scheduler", http.MethodGet, "/schedule-groups/"+name, "", nil)
	case "AWS::Scheduler::Schedule":
		return m.rest("scheduler", http.MethodGet, "/schedules/"+id+"?groupName="+r.names["Schedules"], "", nil)
	case "AWS::Logs::LogGroup":
		list := m.rest("logs", http.MethodPost, "/", "Logs_20140328.DescribeLogGroups", map[string]any{"logGroupNamePrefix": name})
		group := list["logGroups"].([]any)[0].(map[string]any)
		return map[string]any{"LogGroupName": group["logGroupName"]}
	case "AWS::SQS::Queue":
		in := map[string]any{"QueueUrl": name, "AttributeNames": []any{"All"}}
		return m.rest("sqs", http.MethodPost, "/", "AmazonSQS.GetQueueAttributes", in)["Attributes"].(map[string]any)
	case "AWS::SNS::Topic", "AWS::SNS::TopicPolicy":
		got := entries(m.query("sns", snsVersion, "GetTopicAttributes", map[string]any{"TopicArn": r.names["AlarmTopic"]})["Attributes"])
		got["PolicyDocument"], got["Topics"] = m.object(got["Policy"]), []any{got["TopicArn"]}
		return got
	case "AWS::SNS::Subscription":
		list := m.query("sns", snsVersion, "ListSubscriptionsByTopic", map[string]any{"TopicArn": r.names["AlarmTopic"]})
		return list["Subscriptions"].([]any)[0].(map[string]any)
	case "AWS::CloudWatch::Alarm":
		list := m.query("monitoring", alarmVersion, "DescribeAlarms", map[string]any{"AlarmNames": []any{id}})
		alarm := list["MetricAlarms"].([]any)[0].(map[string]any)
		alarm["Threshold"] = strings.TrimSuffix(alarm["Threshold"].(string), ".0")
		return alarm
	case "AWS::S3::Bucket":
		return m.bucket(name)
	case "AWS::S3::BucketPolicy":
		bucket := r.names["Reports"]
		return map[string]any{"Bucket": bucket, "PolicyDocument": m.object(string(m.send("s3", http.MethodGet, "/"+bucket+"?policy", nil, nil)))}
	}
	return m.identity(kind, name, r.property(id).(map[string]any))
}

// identity asks IAM.
func (m moto) identity(kind, name string, properties map[string]any) map[string]any {
	m.t.Helper()
	embedded := func(role, policy string) any {
		return m.object(m.query("iam", iamVersion, "GetRolePolicy", map[string]any{"RoleName": role, "PolicyName": policy})["PolicyDocument"])
	}
	switch kind {
	case "AWS::IAM::Role":
		got := m.query("iam", iamVersion, "GetRole", map[string]any{"RoleName": name})["Role"].(map[string]any)
		got["AssumeRolePolicyDocument"] = m.object(got["AssumeRolePolicyDocument"])
		got["PermissionsBoundary"] = got["PermissionsBoundary"].(map[string]any)["PermissionsBoundaryArn"]
		var policies []any
		for _, one := range properties["Policies"].([]any) {
			policy := one.(map[string]any)["PolicyName"].(string)
			policies = append(policies, map[string]any{"PolicyName": policy, "PolicyDocument": embedded(name, policy)})
		}
		got["Policies"] = policies
		return got
	case "AWS::IAM::ManagedPolicy":
		got := m.query("iam", iamVersion, "GetPolicy", map[string]any{"PolicyArn": name})["Policy"].(map[string]any)
		in := map[string]any{"PolicyArn": name, "VersionId": got["DefaultVersionId"]}
		got["PolicyDocument"] = m.object(m.query("iam", iamVersion, "GetPolicyVersion", in)["PolicyVersion"].(map[string]any)["Document"])
		return got
	case "AWS::IAM::Policy":
		role, policy := properties["Roles"].([]any)[0].(string), properties["PolicyName"].(string)
		return map[string]any{"PolicyName": policy, "Roles": []any{role}, "PolicyDocument": embedded(role, policy)}
	}
	m.t.Errorf("nothing reads %s", kind)
	return nil
}

// bucket asks S3 for the encryption of a bucket.
func (m moto) bucket(name string) map[string]any {
	m.t.Helper()
	rule := m.xml(m.send("s3", http.MethodGet, "/"+name+"?encryption", nil, nil)).(map[string]any)["Rule"].(map[string]any)
	rule["ServerSideEncryptionByDefault"] = rule["ApplyServerSideEncryptionByDefault"]
	return map[string]any{"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{rule}}}
}

// text is a policy as a text.
func (m moto) text(policy any) string {
	m.t.Helper()
	text, err := json.Marshal(policy)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// object is a policy that a service shows as a text, which IAM escapes.
func (m moto) object(text any) (object map[string]any) {
	m.t.Helper()
	plain, err := url.PathUnescape(fmt.Sprint(text))
	if err == nil {
		err = json.Unmarshal([]byte(plain), &object)
	}
	if err != nil {
		m.t.Fatalf("%v in %v", err, text)
	}
	return object
}

// entries are those of a map in XML.
func entries(of any) map[string]any {
	all := map[string]any{}
	list, _ := of.(map[string]any)["entry"].([]any)
	for _, one := range list {
		entry := one.(map[string]any)
		all[entry["key"].(string)] = entry["value"]
	}
	return all
}

// typed are properties with numbers where all are texts: an API is stricter than a
// template.
func typed(value any) any {
	switch v := value.(type) {
	case map[string]any:
		all := map[string]any{}
		for name, one := range v {
			all[name] = typed(one)
		}
		return all
	case []any:
		var all []any
		for _, one := range v {
			all = append(all, typed(one))
		}
		return all
	case string:
		if regexp.MustCompile(`^[0-9]{1,9}$`).MatchString(v) {
			return json.Number(v)
		}
	}
	return value
}
