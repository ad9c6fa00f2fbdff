package web

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"nightshift/internal/cost/trend"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

const (
	weeksShown = 12
	// chartWidth and chartHeight are those of the drawing, plotLeft and plotBottom of
	// the part with the columns.
	chartWidth, chartHeight = 420, 210
	plotLeft, plotTop       = 46, 8
	plotBottom              = 184
	widestColumn            = 40
)

// chart is a picture of upright columns, with its numbers as a table.
type chart struct {
	Label   string
	Columns []column
	Marks   []mark
	Width   int
	Height  int
	Left    int
	Middle  int // where a missing column says so
	Below   int // where the names are
}

// column is a period: its parts from the bottom to the top.
type column struct {
	Name, Total, Note string
	EC2, EBS, Other   string // amounts
	Bars              []bar
	X, Center         string
	Gap, Named        bool
}

type bar struct{ Class, X, Y, Width, Height string }

// mark is a line with its value.
type mark struct {
	Y, TextY string
	Text     string
}

// trend draws what was spent in the last periods.
func (e *estate) trend(t *trend.Trend) *chart {
	periods, months := weeksOf(t)
	if len(periods) == 0 {
		return nil
	}
	c := &chart{Width: chartWidth, Height: chartHeight, Left: plotLeft, Middle: plotBottom - 6, Below: plotBottom + 16}
	most := 0.0
	for _, p := range periods {
		if p.Total != nil {
			most = max(most, p.Total.Float())
		}
	}
	top := scaleOf(most)
	y := func(v float64) float64 { return plotBottom - v/top*(plotBottom-plotTop) }
	for n := range 5 {
		v := top * float64(n) / 4
		c.Marks = append(c.Marks, mark{place(y(v)), place(y(v) + 4), text.Commas("$" + strconv.FormatFloat(v, 'f', -1, 64))})
	}
	step := float64(chartWidth-plotLeft) / float64(len(periods))
	every := (len(periods) + 5) / 6
	for n, p := range periods {
		wide := min(step*0.7, widestColumn)
		left := plotLeft + step*(float64(n)+0.5) - wide/2
		col := column{Name: periodName(p.Start, months), Note: p.Note(), Gap: p.Total == nil, X: place(left), Center: place(left + wide/2), Named: (len(periods)-1-n)%every == 0}
		at := 0.0
		for _, part := range []struct {
			class string
			usd   *price.USD
			text  *string
		}{{"s0", p.EC2, &col.EC2}, {"s1", p.EBS, &col.EBS}, {"s2", p.Other, &col.Other}} {
			if part.usd == nil {
				continue
			}
			*part.text = usd(*part.usd)
			if v := part.usd.Float(); v > 0 {
				col.Bars = append(col.Bars, bar{part.class, place(left), place(y(at + v)), place(wide), place(y(at) - y(at+v))})
				at += v
			}
		}
		if p.Total != nil {
			col.Total = usd(*p.Total)
		}
		c.Columns = append(c.Columns, col)
	}
	first, last := c.Columns[0], c.Columns[len(c.Columns)-1]
	c.Label = e.texts.get("trend.label", first.Name, last.Name)
	return c
}

func periodName(d trend.Date, month bool) string {
	t := time.Unix(int64(d)*24*3600, 0).UTC()
	if month {
		return t.Format("Jan 2006")
	}
	return t.Format("2 Jan")
}

// scaleOf is a round number at or above the largest value, which four lines divide.
func scaleOf(most float64) float64 {
	if most <= 0 {
		return 4
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, times := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10} {
		if unit*times >= most {
			return unit * times
		}
	}
	return 10 * unit
}

func place(v float64) string { return fmt.Sprintf("%.1f", v) }
