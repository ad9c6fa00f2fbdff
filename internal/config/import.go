package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// maxImport bounds the definitions that Import reads.
const maxImport = 16 << 20

// Import writes a nightshift.yaml from the definitions of Instance Scheduler
// on AWS, under the names that they have there. It reads the items of the
// solution's DynamoDB table as JSON (the output of scan or query, a list, or
// one item a line, as in an export to S3) and CloudFormation templates, in
// YAML or JSON, with Custom::ServiceInstanceSchedule resources.
//
// Warnings say what differs from the solution and what had to be left out. It
// is an error of kind fleet.ErrInvalid if the data is neither of these or
// holds no schedule that can be kept.
func Import(data []byte) (yamlText []byte, warnings []string, err error) {
	if len(data) > maxImport {
		return nil, nil, fleet.Errorf(fleet.ErrInvalid, "the definitions are larger than %d MiB", maxImport>>20)
	}
	values, err := decodeAny(data)
	if err != nil {
		return nil, nil, err
	}
	in := importer{periods: make(map[string]foreign.Period), tag: "Schedule"}
	for _, value := range values {
		in.collect(value)
	}
	if in.strange > 0 {
		in.warn("%d values are neither items of the scheduler's table nor templates; they were left out", in.strange)
	}
	if len(in.items) == 0 && len(in.schedules) == 0 {
		return nil, in.warnings, fleet.Errorf(fleet.ErrInvalid,
			"there are no schedules in it: give the output of `aws dynamodb scan` on the scheduler's ConfigTable, or a template with Custom::ServiceInstanceSchedule resources")
	}
	for _, item := range in.items {
		in.item(item)
	}
	kept := in.readSchedules()
	if len(kept) == 0 {
		return nil, in.warnings, fleet.Errorf(fleet.ErrInvalid, "none of the schedules can be kept: %s", strings.Join(in.warnings, "; "))
	}
	text := in.print(kept)
	// Nothing is written that could not be read back.
	_, err = Load("nightshift.yaml", func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	})
	if err != nil {
		return nil, in.warnings, fmt.Errorf("the definitions do not make a valid file: %w", err)
	}
	return text, in.warnings, nil
}

// decodeAny reads JSON values, one after the other, or one YAML document.
func decodeAny(data []byte) ([]any, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	values, jsonErr := decodeJSON(data)
	if jsonErr == nil {
		return values, nil
	}
	value, err := decodeYAML(data)
	if err == nil {
		return []any{value}, nil
	}
	if start := bytes.TrimSpace(data); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the definitions are not JSON: %w", jsonErr)
	}
	return nil, err
}

func decodeJSON(data []byte) ([]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var values []any
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", decoder.InputOffset(), err)
		}
		values = append(values, value)
	}
}

// importer gathers the definitions of Instance Scheduler.
type importer struct {
	items     []map[string]any
	periods   map[string]foreign.Period
	schedules []definition
	tag, zone string // of the scheduler's configuration
	warnings  []string
	strange   int // values that mean nothing to it
}

// definition is a schedule of Instance Scheduler as it was found.
type definition struct {
	foreign.InstanceSchedule
	periods []string // names, perhaps with @ and an instance type
	broken  bool     // the reason was reported
}

func (in *importer) warn(format string, args ...any) {
	if text := oneLine(fmt.Sprintf(format, args...)); !slices.Contains(in.warnings, text) {
		in.warnings = append(in.warnings, text)
	}
}

// collect finds items and templates in a value.
func (in *importer) collect(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			in.collect(element)
		}
	case map[string]any:
		items, isScan := value["Items"].([]any)
		item, isExport := value["Item"].(map[string]any)
		resources, isTemplate := value["Resources"].(map[string]any)
		_, hasType := value["type"]
		_, hasName := value["name"]
		switch {
		case isScan:
			in.collect(items)
			if _, more := value["LastEvaluatedKey"]; more {
				in.warn("the scan is not complete: it ends with a LastEvaluatedKey")
			}
		case isExport:
			in.collect(item)
		case isTemplate:
			in.template(value, resources)
		case hasType && hasName:
			in.items = append(in.items, value)
		default:
			in.strange++
		}
	default:
		in.strange++
	}
}

// kept is a schedule that can be written.
type kept struct {
	definition
	reading foreign.Reading
	built   *schedule.Schedule
	notes   []string
}

// readSchedules reads all schedules, in the order of their names, and reports
// those that have to be left out.
func (in *importer) readSchedules() []kept {
	byName := make(map[string]definition)
	for _, d := range in.schedules {
		if _, twice := byName[d.Name]; twice {
			in.warn("the schedule %q is defined twice; the first definition is kept", d.Name)
			continue
		}
		byName[d.Name] = d
	}
	var all []kept
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		k := kept{definition: byName[name]}
		if k.broken {
			continue
		}
		if err := in.read(&k); err != nil {
			in.warn("the schedule %q was left out: %v", name, err)
			continue
		}
		if len(all) == maxSchedules {
			in.warn("there are more than %d schedules; %q and those after it were left out", maxSchedules, name)
			break
		}
		all = append(all, k)
	}
	return all
}

// read turns one schedule into ours.
func (in *importer) read(k *kept) error {
	if why := badName(k.Name); why != "" {
		return errors.New(why)
	}
	for _, name := range k.periods {
		base, instanceType, _ := strings.Cut(name, "@")
		period, known := in.periods[base]
		if !known {
			return fmt.Errorf("there is no period %q%s", base, meant(base, slices.Sorted(maps.Keys(in.periods))))
		}
		period.InstanceType = instanceType
		k.Periods = append(k.Periods, period)
	}
	var err error
	if k.reading, err = foreign.InstanceScheduler(k.InstanceSchedule); err != nil {
		return err
	}
	if k.reading.Ignore {
		return errors.New("the scheduler leaves its machines alone")
	}
	zone, err := schedule.LoadZone(in.defaultZone())
	if err != nil {
		return err
	}
	if k.built, err = schedule.New(k.reading.Definition, zone); err != nil {
		return err
	}
	k.notes = slices.Clone(k.reading.Warnings)
	if k.Enforced && k.built.OneSided() {
		k.Enforced = false
		k.notes = append(k.notes, "it was enforced; with only starts or only stops there is nothing to enforce")
	}
	for _, note := range k.notes {
		in.warn("%s: %s", k.Name, note)
	}
	return nil
}

func (in *importer) defaultZone() string {
	if in.zone == "" {
		return "UTC"
	}
	return in.zone
}
