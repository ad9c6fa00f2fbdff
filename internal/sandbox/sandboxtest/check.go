package sandboxtest

import (
	"fmt"
	"maps"
	"mime"
	"slices"

	"nightshift/internal/sandbox"
)

// violation is a way in which an exchange breaks a service's model.
type violation struct {
	part    string // "request" or "answer"
	path    string // of the parameter, element or member; "" for the whole
	message string
}

func (v violation) String() string {
	if v.path == "" {
		return v.part + ": " + v.message
	}
	return v.part + " " + v.path + ": " + v.message
}

// checker walks one part of an exchange along the model.
type checker struct {
	service string
	part    string
	found   []violation
}

func (c *checker) add(path, format string, args ...any) {
	c.found = append(c.found, violation{c.part, path, fmt.Sprintf(format, args...)})
}

// check returns the violations of an exchange; none for services that have no
// model. A request that the service refused because it is malformed is not a
// violation: that is what the service is for.
func check(models map[string]*model, e sandbox.Exchange) []violation {
	m, ok := models[e.Service]
	if !ok {
		return nil
	}
	request := &checker{service: e.Service, part: "request"}
	answer := &checker{service: e.Service, part: "answer"}
	op, ok := m.Operations[e.Action]
	if !ok {
		request.add("", "the service has no action %q", e.Action)
	}
	var code string
	switch m.Metadata.Protocol {
	case "json":
		request.jsonRequest(m, op, e)
		if e.Status != 0 {
			code = answer.jsonAnswer(m, op, e)
		}
	case "rest-json":
		request.restRequest(op, e)
		if e.Status != 0 {
			code = answer.restAnswer(op, e)
		}
	default:
		request.queryRequest(m, op, e)
		if e.Status != 0 {
			code = answer.xmlAnswer(m, op, e)
		}
	}
	if refusals()[code] {
		return answer.found
	}
	return append(request.found, answer.found...)
}

// refusals are the error codes that say that a request is malformed.
func refusals() map[string]bool {
	return map[string]bool{
		"InvalidAction": true, "InvalidParameter": true, "InvalidParameterCombination": true,
		"InvalidParameterException": true, "InvalidParameterValue": true, "InvalidPaginationToken": true,
		"MalformedQueryString": true, "MissingAction": true, "MissingParameter": true, "NoSuchVersion": true,
		"SerializationException": true, "UnknownOperationException": true, "UnknownParameter": true,
		"ValidationError": true, "ValidationException": true,
	}
}

// mediaType checks a Content-Type without its parameters.
func (c *checker) mediaType(header string, want ...string) {
	got, _, err := mime.ParseMediaType(header)
	if err != nil || !slices.Contains(want, got) {
		c.add("Content-Type", "%q, want %v", header, want)
	}
}

// allowance lets something pass that the frozen models do not know, or that
// AWS does otherwise than its model says.
type allowance struct {
	service, shape string
	member         string // wire name of a member; "" for a value of an enumeration
	pattern        string // which values of the enumeration; "" for a member
	reason         string
}

func allowances() []allowance {
	return []allowance{
		{"ec2", "InstanceType", "", `[a-z0-9-]+\.[a-z0-9-]+`, "instance types newer than the model"},
		{"ec2", "PlatformValues", "", `windows`, "EC2 writes it in lower case"},
		{"organizations", "Account", "State", "", "newer than the model, to replace Status"},
		{"ec2", "RIProductDescription", "", `SUSE Linux|Red Hat Enterprise Linux`, "Spot has more products than the model's list, which is that of Reserved Instances"},
		{"ec2", "Snapshot", "completionTime", "", "newer than the model"},
		{"ec2", "Snapshot", "fullSnapshotSizeInBytes", "", "newer than the model"},
		{"ec2", "Snapshot", "transferType", "", "newer than the model"},
		{"cloudformation", "ResourceStatus", "", `REVIEW_IN_PROGRESS|UPDATE_(ROLLBACK_)?COMPLETE_CLEANUP_IN_PROGRESS`, "events of the stack itself have its statuses"},
		{"pricing", "FilterType", "", `EQUALS|CONTAINS|ANY_OF|NONE_OF`, "filters newer than the model"},
	}
}

// allowsMember reports whether a member that is not in the model may be there.
func (c *checker) allowsMember(s *shape, member string) bool {
	return slices.ContainsFunc(allowances(), func(a allowance) bool {
		return a.service == c.service && a.shape == s.name && a.member == member
	})
}

// allowsValue reports whether an enumeration may have the value.
func (c *checker) allowsValue(s *shape, value string) bool {
	return slices.ContainsFunc(allowances(), func(a allowance) bool {
		return a.service == c.service && a.shape == s.name && a.member == "" && matchWhole(a.pattern, value)
	})
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
