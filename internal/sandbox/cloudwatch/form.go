package cloudwatch

import (
	"strconv"
	"time"

	"nightshift/internal/sandbox/wire"
)

// metricDataForm reads GetMetricData's parameters in the Query protocol.
func metricDataForm(p *wire.Params) (metricDataInput, *wire.Error) {
	in := metricDataInput{NextToken: p.Text("NextToken"), ScanBy: p.Text("ScanBy")}
	for name, into := range map[string]**wire.Instant{"StartTime": &in.StartTime, "EndTime": &in.EndTime} {
		text := p.Text(name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return in, wire.Invalid("InvalidParameterValue", "The parameter "+name+" must be a timestamp in ISO 8601, not "+text+".")
		}
		*into = &wire.Instant{Time: t.UTC()}
	}
	var err *wire.Error
	if in.MaxDatapoints, err = optionalNumber(p, "MaxDatapoints"); err != nil {
		return in, err
	}
	for _, m := range p.Items("MetricDataQueries.member") {
		q := metricQuery{ID: m.Text("Id"), Expression: m.Text("Expression"), Label: m.Text("Label")}
		if m.Has("ReturnData") {
			requested := m.Flag("ReturnData")
			q.ReturnData = &requested
		}
		if m.Has("MetricStat") {
			stat := m.At("MetricStat")
			q.MetricStat = &metricStat{
				Metric: metricName{Namespace: stat.Text("Metric.Namespace"), MetricName: stat.Text("Metric.MetricName")},
				Stat:   stat.Text("Stat"), Unit: stat.Text("Unit"),
			}
			if q.MetricStat.Period, err = optionalNumber(stat, "Period"); err != nil {
				return in, err
			}
			for _, d := range stat.Items("Metric.Dimensions.member") {
				q.MetricStat.Metric.Dimensions = append(q.MetricStat.Metric.Dimensions, metricDimension{d.Text("Name"), d.Text("Value")})
			}
		}
		in.MetricDataQueries = append(in.MetricDataQueries, q)
	}
	return in, nil
}

func optionalNumber(p *wire.Params, name string) (*int64, *wire.Error) {
	if !p.Has(name) {
		return nil, nil
	}
	n, err := p.Number(name)
	return &n, err
}

// xml writes the answer in the Query protocol.
func (o metricDataOutput) xml(requestID string) []byte {
	d := wire.NewDoc()
	d.Root("GetMetricDataResponse", cloudWatchNamespace)
	d.Open("GetMetricDataResult")
	d.Open("MetricDataResults")
	for _, r := range o.MetricDataResults {
		d.Open("member")
		d.Text("Id", r.ID)
		d.Text("Label", r.Label)
		d.Open("Timestamps")
		for _, t := range r.Timestamps {
			d.Text("member", t.UTC().Format(time.RFC3339))
		}
		d.End("Timestamps")
		d.Open("Values")
		for _, v := range r.Values {
			d.Text("member", strconv.FormatFloat(v, 'f', -1, 64))
		}
		d.End("Values")
		d.Text("StatusCode", r.StatusCode)
		d.End("member")
	}
	d.End("MetricDataResults")
	d.Optional("NextToken", o.NextToken)
	d.End("GetMetricDataResult")
	d.Open("ResponseMetadata")
	d.Text("RequestId", requestID)
	d.End("ResponseMetadata")
	d.End("GetMetricDataResponse")
	return d.Bytes()
}
