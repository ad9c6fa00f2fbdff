package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// intrinsic is a value that CloudFormation computes, such as !Ref Zone.
type intrinsic struct {
	function string // "Ref", "Fn::Sub"
	argument any
}

func (i intrinsic) String() string { return fmt.Sprintf("%s %v", i.function, i.argument) }

// decodeYAML reads a document into the values that JSON would give: maps,
// lists, texts and booleans. Numbers and dates are texts as they are written,
// and values with CloudFormation's short tags are intrinsics.
func decodeYAML(data []byte) (any, error) {
	s := &source{name: "definitions"}
	root := s.parse(data)
	if root == nil || len(s.errors) > 0 {
		return nil, s.all()
	}
	nodes := 0
	value, err := fromYAML(root, 0, &nodes)
	if err != nil {
		return nil, err
	}
	return value, nil
}

func fromYAML(n *yaml.Node, depth int, nodes *int) (any, error) {
	const maxDepth, maxNodes = 100, 1_000_000
	if *nodes++; *nodes > maxNodes || depth > maxDepth {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the definitions are nested too deeply, or their aliases unfold to too much")
	}
	if n.Kind == yaml.AliasNode {
		return fromYAML(n.Alias, depth+1, nodes)
	}
	var value any
	switch n.Kind {
	case yaml.MappingNode:
		mapping := make(map[string]any)
		for i := 0; i+1 < len(n.Content); i += 2 {
			element, err := fromYAML(n.Content[i+1], depth+1, nodes)
			if err != nil {
				return nil, err
			}
			mapping[n.Content[i].Value] = element
		}
		value = mapping
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range n.Content {
			element, err := fromYAML(child, depth+1, nodes)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		value = list
	default:
		value = n.Value
		switch n.Tag {
		case "!!bool":
			value = strings.EqualFold(n.Value, "true")
		case "!!null":
			value = nil
		}
	}
	if name, short := strings.CutPrefix(n.Tag, "!"); short && !strings.HasPrefix(name, "!") && name != "" {
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return intrinsic{name, value}, nil
	}
	return value, nil
}

// plain takes DynamoDB's type off a value ({"S": "x"} is "x") and makes
// intrinsics of CloudFormation's functions in JSON.
func plain(value any) any {
	mapping, ok := value.(map[string]any)
	if !ok || len(mapping) != 1 {
		return value
	}
	for name, inner := range mapping {
		switch {
		case slices.Contains([]string{"S", "N", "SS", "NS", "BOOL"}, name):
			return inner
		case name == "NULL":
			return nil
		case name == "L":
			list, _ := inner.([]any)
			var all []any
			for _, element := range list {
				all = append(all, plain(element))
			}
			return all
		case name == "Ref", strings.HasPrefix(name, "Fn::"):
			return intrinsic{name, inner}
		}
	}
	return value
}

// reader reads the values of one item or resource and reports what cannot be
// read.
type reader struct {
	in     *importer
	what   string // for messages: `the period "office-hours"`
	values map[string]any
	// defaults are the defaults of a template's parameters.
	defaults map[string]string
	broken   bool
}

func (r *reader) bad(format string, args ...any) {
	r.broken = true
	r.in.warn("%s was left out: %s", r.what, fmt.Sprintf(format, args...))
}

// resolved is the value under a key, where it refers to a parameter that has a
// default, this default.
func (r *reader) resolved(key string, value any) any {
	value = plain(value)
	function, ok := value.(intrinsic)
	if !ok {
		return value
	}
	name, _ := function.argument.(string)
	if fallback, known := r.defaults[name]; known && function.function == "Ref" {
		r.in.warn("%s: %s is the parameter %s; its default %q was taken", r.what, key, name, fallback)
		return fallback
	}
	r.bad("%s is computed by CloudFormation (%s); write the value instead", key, function)
	return nil
}

// list is a value as texts: a list's elements, a text's parts between commas.
func (r *reader) list(key string) []string {
	var texts []string
	value := r.resolved(key, r.values[key])
	elements, isList := value.([]any)
	if !isList {
		elements = []any{value}
	}
	for _, element := range elements {
		switch element := r.resolved(key, element).(type) {
		case nil:
		case string:
			for part := range strings.SplitSeq(element, ",") {
				if part = strings.TrimSpace(part); part != "" {
					texts = append(texts, part)
				}
			}
		case json.Number:
			texts = append(texts, element.String())
		default:
			r.bad("%s is neither a text nor a list of texts", key)
		}
	}
	return texts
}

// text is a value as one text. Commas are kept.
func (r *reader) text(key string) string {
	switch value := r.resolved(key, r.values[key]).(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(value)
	case json.Number:
		return value.String()
	default:
		r.bad("%s is not a text", key)
		return ""
	}
}

// flag is a boolean, which CloudFormation also writes as a text.
func (r *reader) flag(key string, fallback bool) bool {
	switch value := r.resolved(key, r.values[key]).(type) {
	case nil:
		return fallback
	case bool:
		return value
	case string:
		switch strings.ToLower(strings.TrimSpace(value)) {
		case "":
			return fallback
		case "true", "yes", "1":
			return true
		case "false", "no", "0":
			return false
		}
	}
	r.bad("%s is neither true nor false", key)
	return fallback
}

// item reads an item of the DynamoDB table.
func (in *importer) item(values map[string]any) {
	r := &reader{in: in, what: "an item", values: values}
	kind, name := r.text("type"), r.text("name")
	r.what = fmt.Sprintf("the %s %q", kind, name)
	switch kind {
	case "period":
		period := r.period(name, "begintime", "endtime", "weekdays", "monthdays", "months", "description")
		if !r.broken {
			in.periods[name] = period
		}
	case "schedule":
		d := definition{periods: r.list("periods")}
		d.InstanceSchedule = foreign.InstanceSchedule{
			Name: name, Description: r.text("description"), Timezone: r.text("timezone"), OverrideStatus: r.text("override_status"),
			Enforced: r.flag("enforced", false), RetainRunning: r.flag("retain_running", false),
			Hibernate: r.flag("hibernate", false), StopNewInstances: r.flag("stop_new_instances", true),
			UseMaintenanceWindow: r.flag("use_maintenance_window", true), SSMMaintenanceWindow: r.list("ssm_maintenance_window"),
		}
		slices.Sort(d.periods) // a set has no order
		d.broken = r.broken
		in.schedules = append(in.schedules, d)
	case "config":
		in.settings(r)
	default:
		in.strange++
	}
}

// settings reads the scheduler's own settings of versions that keep them in
// the table.
func (in *importer) settings(r *reader) {
	if tag := r.text("tagname"); tag != "" {
		if _, err := fleet.ParseTag(tag); err != nil || strings.Contains(tag, "=") {
			in.warn("the tag name %q of the settings cannot be kept; Schedule is used", tag)
		} else {
			in.tag = tag
		}
	}
	if zone := r.text("default_timezone"); zone != "" {
		if _, err := schedule.LoadZone(zone); err != nil {
			in.warn("the default time zone of the settings cannot be kept, UTC is used: %v", err)
		} else {
			in.zone = zone
		}
	}
}

func (r *reader) period(name, begin, end, weekdays, monthdays, months, description string) foreign.Period {
	return foreign.Period{
		Name: name, BeginTime: r.text(begin), EndTime: r.text(end), WeekDays: strings.Join(r.list(weekdays), ","),
		MonthDays: strings.Join(r.list(monthdays), ","), Months: strings.Join(r.list(months), ","), Description: r.text(description),
	}
}

// template reads the schedules among a CloudFormation template's resources.
func (in *importer) template(whole, resources map[string]any) {
	defaults := make(map[string]string)
	parameters, _ := whole["Parameters"].(map[string]any)
	for name, parameter := range parameters {
		if parameter, ok := parameter.(map[string]any); ok {
			switch value := parameter["Default"].(type) {
			case string:
				defaults[name] = value
			case bool:
				defaults[name] = fmt.Sprint(value)
			}
		}
	}
	found := false
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		resource, _ := resources[id].(map[string]any)
		if resource["Type"] != "Custom::ServiceInstanceSchedule" {
			continue
		}
		found = true
		properties, _ := resource["Properties"].(map[string]any)
		in.resource(id, &reader{in: in, what: fmt.Sprintf("the resource %q", id), values: properties, defaults: defaults})
	}
	if !found {
		in.warn("a template has no resource of type Custom::ServiceInstanceSchedule")
	}
}

func (in *importer) resource(id string, r *reader) {
	known := []string{
		"ServiceToken", "Name", "NoStackPrefix", "Description", "Timezone", "OverrideStatus", "Enforced", "RetainRunning",
		"Hibernate", "StopNewInstances", "UseMaintenanceWindow", "SsmMaintenanceWindow", "Periods", "Metrics",
	}
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		if !slices.Contains(known, key) {
			in.warn("%s: the property %s was left out: it is not known%s", r.what, key, meant(key, known))
		}
	}
	name := r.text("Name")
	if name == "" {
		name = id
	}
	if !r.flag("NoStackPrefix", false) {
		in.warn("%s: the stack puts its own name in front of %q, as in my-stack-%s; name the schedule as the tags do", r.what, name, name)
	}
	d := definition{InstanceSchedule: foreign.InstanceSchedule{
		Name: name, Description: r.text("Description"), Timezone: r.text("Timezone"), OverrideStatus: r.text("OverrideStatus"),
		Enforced: r.flag("Enforced", false), RetainRunning: r.flag("RetainRunning", false), Hibernate: r.flag("Hibernate", false),
		StopNewInstances: r.flag("StopNewInstances", true), UseMaintenanceWindow: r.flag("UseMaintenanceWindow", true),
		SSMMaintenanceWindow: r.list("SsmMaintenanceWindow"),
	}}
	periods, isList := r.resolved("Periods", r.values["Periods"]).([]any)
	if _, given := r.values["Periods"]; given && !isList && !r.broken {
		r.bad("Periods is not a list")
	}
	for i, value := range periods {
		values, ok := value.(map[string]any)
		if !ok {
			r.bad("period %d is not a mapping", i+1)
			continue
		}
		one := &reader{in: in, what: r.what, values: values, defaults: r.defaults}
		period := one.period(strconv.Itoa(i+1), "BeginTime", "EndTime", "WeekDays", "MonthDays", "Months", "Description")
		period.InstanceType = one.text("InstanceType")
		r.broken = r.broken || one.broken
		d.Periods = append(d.Periods, period)
	}
	d.broken = r.broken
	in.schedules = append(in.schedules, d)
}
