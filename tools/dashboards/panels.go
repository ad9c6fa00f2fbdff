package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The units of panels, by Grafana's names.
const (
	count   = "short"
	seconds = "s"
	dollars = "currencyUSD"
	share   = "percentunit"
	instant = "dateTimeFromNow"
)

// The colours that mean something.
const (
	good    = "green"
	warning = "orange"
	bad     = "red"
	plain   = "blue"
)

// step is from which value on a colour holds.
type step struct {
	from   float64
	colour string
}

// thresholds has the first colour below all steps.
func thresholds(first string, steps ...step) cog.Builder[dashboard.ThresholdsConfig] {
	all := []dashboard.Threshold{{Color: first}}
	for _, s := range steps {
		all = append(all, dashboard.Threshold{Value: &s.from, Color: s.colour})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(all)
}

// says shows a value as a word.
func says(value, text, colour string, index int32) dashboard.ValueMapping {
	m := dashboard.NewValueMap()
	m.Options[value] = dashboard.ValueMappingResult{Text: &text, Color: &colour, Index: &index}
	return dashboard.ValueMapping{ValueMap: m}
}

// now asks Prometheus for the present value.
func now(expr string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Expr(expr).Instant().RefId(letter(0))
}

// answer is a number with the colour of what it means.
func answer(title, description, unit, expr string, levels cog.Builder[dashboard.ThresholdsConfig]) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Unit(unit).
		Thresholds(levels).ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Values(false)).
		Orientation(common.VizOrientationAuto).NoValue("no data").WithTarget(now(expr))
}

// amount is a number that is neither good nor bad.
func amount(title, description, unit, expr string) *stat.PanelBuilder {
	return answer(title, description, unit, expr, thresholds(plain)).ColorMode(common.BigValueColorModeValue)
}

// series is a query of a graph with the name of its lines.
type series struct{ expr, legend string }

// graph shows what was over time.
func graph(title, description, unit string, all ...series) *timeseries.PanelBuilder {
	p := timeseries.NewPanelBuilder().Title(title).Description(description).Unit(unit).Min(0).
		LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassicByName)).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for n, s := range all {
		p.WithTarget(prometheus.NewDataqueryBuilder().Expr(s.expr).LegendFormat(s.legend).Range().RefId(letter(n)))
	}
	return p
}

// stacked is a graph whose lines lie upon each other, so that its top is their sum.
func stacked(title, description, unit string, all ...series) *timeseries.PanelBuilder {
	return graph(title, description, unit, all...).FillOpacity(40).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

// bars shows how often something happened in each interval.
func bars(title, description string, all ...series) *timeseries.PanelBuilder {
	return stacked(title, description, count, all...).DrawStyle(common.GraphDrawStyleBars).
		FillOpacity(80).LineWidth(0).Interval("5m").Decimals(0)
}

// coloured gives the lines whose name matches a colour that means something.
func coloured(p *timeseries.PanelBuilder, pattern, colour string) *timeseries.PanelBuilder {
	return p.OverrideByRegexp(pattern, []dashboard.DynamicConfigValue{
		{Id: "color", Value: map[string]string{"mode": string(dashboard.FieldColorModeIdFixed), "fixedColor": colour}},
	})
}

// column is a query of a table: its values are a column of this name and unit.
type column struct {
	expr, name, unit string
	// levels, if not nil, colour it.
	levels cog.Builder[dashboard.ThresholdsConfig]
	// words replace values.
	words []dashboard.ValueMapping
}

// labels are the names of labels as columns.
func labels() map[string]string {
	return map[string]string{
		"job_name": "Job", "schedule": "Schedule", "aws_account_id": "Account", "aws_region": "Region",
		"kind": "Kind", "desired": "Desired", "actual": "Actual", "aws_service": "Service", "operation": "Operation",
		"code": "Code", "tag_value": "Tag value", "recipient": "Recipient", "instance": "Instance", "version": "Version",
		"revision": "Revision", "goversion": "Go", "family": "Metric", "policy": "Policy",
	}
}

// list is a table with a row for each combination of these labels, of which the
// first column of values sorts it, the largest first.
func list(title, description, by string, all ...column) *table.PanelBuilder {
	p := table.NewPanelBuilder().Title(title).Description(description).Unit(count).NoValue("").
		CellHeight(common.TableCellHeightSm)
	names, order := map[string]string{}, map[string]int{}
	for n, label := range strings.Fields(by) {
		names[label], order[label] = labels()[label], n
	}
	for n, c := range all {
		p.WithTarget(prometheus.NewDataqueryBuilder().Expr(c.expr).Instant().Format(prometheus.PromQueryFormatTable).RefId(letter(n)))
		value := "Value #" + letter(n)
		if len(all) == 1 {
			value = "Value" // Grafana numbers them only where there are several
		}
		names[value], order[value] = c.name, len(order)
		p.OverrideByName(c.name, c.properties())
	}
	if len(all) > 1 {
		p.WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}})
	}
	p.WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"excludeByName": map[string]bool{"Time": true}, "indexByName": order, "renameByName": names,
	}})
	return p.SortBy([]cog.Builder[common.TableSortByFieldState]{common.NewTableSortByFieldStateBuilder().DisplayName(all[0].name).Desc(true)})
}

// properties say how the values of a column look.
func (c column) properties() []dashboard.DynamicConfigValue {
	all := []dashboard.DynamicConfigValue{{Id: "unit", Value: c.unit}}
	if len(c.words) > 0 {
		all = append(all, dashboard.DynamicConfigValue{Id: "mappings", Value: c.words})
	}
	if c.levels != nil {
		if made, err := c.levels.Build(); err == nil {
			all = append(all, dashboard.DynamicConfigValue{Id: "thresholds", Value: made})
		}
	}
	if len(all) > 1 {
		all = append(all, dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]string{"type": string(common.TableCellDisplayModeColorText)}})
	}
	return all
}
