package sandbox

import (
	"strconv"
	"time"
)

// metricDataForm reads GetMetricData's parameters in the Query protocol.
func metricDataForm(p *params) (metricDataInput, *apiError) {
	in := metricDataInput{NextToken: p.text("NextToken"), ScanBy: p.text("ScanBy")}
	for name, into := range map[string]**instant{"StartTime": &in.StartTime, "EndTime": &in.EndTime} {
		text := p.text(name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return in, invalid("InvalidParameterValue", "The parameter "+name+" must be a timestamp in ISO 8601, not "+text+".")
		}
		*into = &instant{t.UTC()}
	}
	var err *apiError
	if in.MaxDatapoints, err = optionalNumber(p, "MaxDatapoints"); err != nil {
		return in, err
	}
	for _, m := range p.items("MetricDataQueries.member") {
		q := metricQuery{ID: m.text("Id"), Expression: m.text("Expression"), Label: m.text("Label")}
		if m.has("ReturnData") {
			wanted := m.flag("ReturnData")
			q.ReturnData = &wanted
		}
		if m.has("MetricStat") {
			stat := m.at("MetricStat")
			q.MetricStat = &metricStat{
				Metric: metricName{Namespace: stat.text("Metric.Namespace"), MetricName: stat.text("Metric.MetricName")},
				Stat:   stat.text("Stat"), Unit: stat.text("Unit"),
			}
			if q.MetricStat.Period, err = optionalNumber(stat, "Period"); err != nil {
				return in, err
			}
			for _, d := range stat.items("Metric.Dimensions.member") {
				q.MetricStat.Metric.Dimensions = append(q.MetricStat.Metric.Dimensions, metricDimension{d.text("Name"), d.text("Value")})
			}
		}
		in.MetricDataQueries = append(in.MetricDataQueries, q)
	}
	return in, nil
}

func optionalNumber(p *params, name string) (*int64, *apiError) {
	if !p.has(name) {
		return nil, nil
	}
	n, err := p.number(name)
	return &n, err
}

// xml writes the answer in the Query protocol.
func (o metricDataOutput) xml(requestID string) []byte {
	d := newDoc()
	d.root("GetMetricDataResponse", cloudWatchNamespace)
	d.open("GetMetricDataResult")
	d.open("MetricDataResults")
	for _, r := range o.MetricDataResults {
		d.open("member")
		d.text("Id", r.ID)
		d.text("Label", r.Label)
		d.open("Timestamps")
		for _, t := range r.Timestamps {
			d.text("member", t.UTC().Format(time.RFC3339))
		}
		d.end("Timestamps")
		d.open("Values")
		for _, v := range r.Values {
			d.text("member", strconv.FormatFloat(v, 'f', -1, 64))
		}
		d.end("Values")
		d.text("StatusCode", r.StatusCode)
		d.end("member")
	}
	d.end("MetricDataResults")
	d.some("NextToken", o.NextToken)
	d.end("GetMetricDataResult")
	d.open("ResponseMetadata")
	d.text("RequestId", requestID)
	d.end("ResponseMetadata")
	d.end("GetMetricDataResponse")
	return d.bytes()
}
