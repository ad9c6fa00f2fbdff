package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// forPrometheus is what the dashboards for Prometheus have in common. Variables are
// those that it has beyond job and instance.
func forPrometheus(b board, variables ...cog.Builder[dashboard.VariableModel]) board {
	b.source, b.tags = fromPrometheus, []string{"prometheus"}
	b.variables = append([]cog.Builder[dashboard.VariableModel]{
		chosen("job", "job", "label_values(nightshift_build_info, job)"),
		chosen("instance", "instance", `label_values(nightshift_build_info{job=~"$job"}, instance)`),
	}, variables...)
	b.annotations = []cog.Builder[dashboard.AnnotationQuery]{
		dashboard.NewAnnotationQueryBuilder().Name("Alerts").Datasource(fromPrometheus.ref()).Enable(true).IconColor(bad).
			Expr(`ALERTS{alertname=~"Nightshift.+", alertstate="firing", severity=~"critical|warning"}`).
			TitleFormat("{{alertname}}").TextFormat("{{schedule}} {{job_name}} {{aws_account_id}} {{aws_region}} {{recipient}}"),
		dashboard.NewAnnotationQueryBuilder().Name("Configuration").Datasource(fromPrometheus.ref()).Enable(true).IconColor(plain).
			Expr(pick("nightshift_config_last_reload_timestamp_seconds") + " * 1000").UseValueForTime(true).
			TitleFormat("A configuration came into force"),
	}
	return b
}

// chosen is a variable of which the reader chooses one value, several or all.
func chosen(name, label, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(fromPrometheus.ref()).
		Query(dashboard.StringOrMap{String: &query}).Definition(query).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalAsc).
		Multi(true).IncludeAll(true).AllValue(".+").Current(everything())
}

// everything is the choice of all values.
func everything() dashboard.VariableOption {
	return dashboard.VariableOption{
		Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	}
}

// never shows an instant that has not been.
func never() dashboard.ValueMapping { return says("0", "never", warning, 0) }
