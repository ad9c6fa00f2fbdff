package config

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// Metrics says what is measured beyond what costs nothing.
type Metrics struct {
	// CloudWatch is what a deployed function writes for CloudWatch.
	CloudWatch CloudWatchMetrics
	// Tags are the keys of the tags by which costs are measured; nil means those of
	// the cost report.
	Tags []string
}

// CloudWatchMetrics is how much a deployed function writes for CloudWatch.
type CloudWatchMetrics string

// What may be written.
const (
	CloudWatchOff   CloudWatchMetrics = "off"   // nothing, so that no alarm works
	CloudWatchBasic CloudWatchMetrics = "basic" // what the alarms of the deployment need
	CloudWatchFull  CloudWatchMetrics = "full"  // also what the dashboard shows
)

func measuringKeys() []string { return []string{"cloudwatch", "tags"} }

// metrics reads the section.
func (l *loader) metrics(section field) {
	out := &l.out.Metrics
	out.CloudWatch = CloudWatchBasic
	if section.value == nil {
		return
	}
	fields := l.fields(section.value, "metrics", measuringKeys())
	if entry, given := fields["cloudwatch"]; given {
		out.CloudWatch = l.cloudWatchMetrics(entry.value)
		if out.CloudWatch == CloudWatchOff {
			l.warn(entry.key, "metrics.cloudwatch is off: the alarms of a deployment see no run, and PowerAlarm takes that for one that never came")
		}
	}
	if entry, given := fields["tags"]; given {
		out.Tags = l.tagKeys(entry.value)
	}
}

func (l *loader) cloudWatchMetrics(n *yaml.Node) CloudWatchMetrics {
	known := []string{string(CloudWatchOff), string(CloudWatchBasic), string(CloudWatchFull)}
	if value, ok := l.follow(n); ok && value.Kind == yaml.ScalarNode && slices.Contains(known, value.Value) {
		return CloudWatchMetrics(value.Value) // off is a boolean of older YAML
	}
	if text, ok := l.text(n, "metrics.cloudwatch"); ok {
		l.at(n, "metrics.cloudwatch is %q%s", text, meant(text, known))
	}
	return CloudWatchBasic
}
