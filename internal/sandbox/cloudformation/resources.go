package cloudformation

import (
	"strconv"
	"time"

	"nightshift/internal/sandbox/lambda"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/sns"
	"nightshift/internal/sandbox/state"
)

// create makes a resource and says why it cannot.
func (s *stack) create(r *record, made map[string]any) string {
	all := state.Slot[stacks](s.region)
	all.seeds++
	r.properties, r.tags = made, s.tags
	r.name = s.physicalName(r.resource, made, all.seeds)
	if reason := s.denied(r, permissions()[r.kind].create, r.has); reason != "" {
		return reason
	}
	if s.taken(r) {
		return handlerMessage(r.kind, r.name+" already exists", "AlreadyExists")
	}
	physical := r.name
	if ref := kinds()[r.kind].ref; ref != "" {
		physical = r.fill(ref, s.region)
	}
	switch r.kind {
	case "AWS::S3::Bucket":
		if err := all.store.Create(r.name, s3.BucketHome{Region: s.region.Name, Owner: s.region.Owner}); err != nil {
			return handlerMessage(r.kind, err.Error(), "InvalidRequest")
		}
	case "AWS::SNS::Topic":
		sns.Create(s.region, physical)
	case "AWS::SNS::Subscription":
		physical = sns.Subscribe(s.region, text(made["TopicArn"]), text(made["Protocol"]), text(made["Endpoint"]))
	}
	r.physical = physical
	reason := s.put(r)
	if reason != "" {
		r.physical = ""
	}
	return reason
}

// taken says whether something else has the name of a new resource.
func (s *stack) taken(r *record) bool {
	all := state.Slot[stacks](s.region)
	switch r.kind {
	case "AWS::S3::Bucket":
		return all.store.Owner(r.name) != ""
	case "AWS::IAM::Role":
		return all.account.FindRole(r.name) != nil
	case "AWS::Lambda::Function":
		return lambda.Has(s.region, r.name)
	}
	if kinds()[r.kind].name == "" {
		return false
	}
	for _, other := range all.list {
		for _, one := range other.resources {
			if one != r && one.kind == r.kind && one.name == r.name && one.physical != "" && one.status != "DELETE_COMPLETE" && one.arn(s.region) == r.arn(s.region) {
				return true
			}
		}
	}
	return false
}

// update changes a resource and says why it cannot.
func (s *stack) update(r *record, to resource, made map[string]any) string {
	was := *r
	r.resource, r.properties, r.tags = to, made, s.tags
	reason := s.deniedUpdate(&was, r)
	if reason == "" {
		reason = s.put(r)
	}
	if reason != "" {
		r.resource, r.properties, r.tags = was.resource, was.properties, was.tags
	}
	return reason
}

// put gives what other services have of a resource the properties of its record.
func (s *stack) put(r *record) string {
	switch r.kind {
	case "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role":
		return s.putRoles(r)
	case "AWS::S3::Bucket":
		state.Slot[stacks](s.region).store.SetTags(r.name, append(state.Tags{
			{Key: "aws:cloudformation:stack-name", Value: s.name}, {Key: "aws:cloudformation:stack-id", Value: s.id}, {Key: "aws:cloudformation:logical-id", Value: r.id},
		}, r.tags...))
	case "AWS::Lambda::Function":
		f := functionOf(r)
		all := state.Slot[stacks](s.region)
		if err := lambda.Put(all.account, s.region, all.store, f); err != nil {
			return handlerMessage(r.kind, err.Message, "InvalidRequest")
		}
	}
	return ""
}

// remove deletes a resource and says why it cannot.
func (s *stack) remove(r *record) string {
	all := state.Slot[stacks](s.region)
	if r.physical != "" {
		if reason := s.denied(r, permissions()[r.kind].remove, r.has); reason != "" {
			return reason
		}
	}
	switch {
	case r.physical == "":
	case r.kind == "AWS::S3::Bucket":
		if len(all.store.Objects(r.name)) > 0 {
			return handlerMessage(r.kind, "The bucket you tried to delete is not empty", "BucketNotEmpty")
		}
		if err := all.store.Remove(r.name); err != nil {
			return handlerMessage(r.kind, err.Error(), "GeneralServiceException")
		}
	case r.kind == "AWS::IAM::Role":
		all.account.RemoveRole(r.name)
	case r.kind == "AWS::Lambda::Function":
		all.functions.Remove(s.region, r.name)
	case r.kind == "AWS::SNS::Topic":
		sns.Delete(s.region, r.physical)
	case r.kind == "AWS::SNS::Subscription":
		sns.Unsubscribe(s.region, text(r.properties["TopicArn"]), r.physical)
	}
	return ""
}

// functionOf reads a function's properties. What is missing is as in Lambda.
func functionOf(r *record) lambda.Function {
	p := r.properties
	number := func(name string, standard int) int {
		if n, err := strconv.Atoi(text(p[name])); err == nil {
			return n
		}
		return standard
	}
	f := lambda.Function{
		Name: r.name, Role: text(p["Role"]), Handler: text(p["Handler"]), Runtime: text(p["Runtime"]), Description: text(p["Description"]),
		Memory: number("MemorySize", 128), Timeout: number("Timeout", 3), Environment: map[string]string{}, Tags: map[string]string{},
		Bucket: text(section(p, "Code")["S3Bucket"]), Key: text(section(p, "Code")["S3Key"]),
		Architecture: "x86_64", LogGroup: text(section(p, "LoggingConfig")["LogGroup"]),
	}
	if list := texts(p["Architectures"]); len(list) == 1 {
		f.Architecture = list[0]
	}
	if f.LogGroup == "" {
		f.LogGroup = "/aws/lambda/" + r.name
	}
	for k, v := range section(section(p, "Environment"), "Variables") {
		f.Environment[k] = text(v)
	}
	for _, one := range r.tags {
		f.Tags[one.Key] = one.Value
	}
	return f
}

// seconds are those of a property.
func seconds(v any) time.Duration {
	n, _ := strconv.Atoi(text(v)) // CloudFormation has no other than numbers there
	return time.Duration(n) * time.Second
}
