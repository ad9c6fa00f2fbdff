package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// picture is a chart as shapes. Coordinates are those of its view box, whose
// units are pixels where it is as wide as on a small screen.
type picture struct {
	ID, Title, Description string
	Width, Height          int
	Legend                 []cell
	Lines                  []line
	Bars                   []bar
	Paths                  []path
	Dots                   []dot
	Labels                 []label
}

type line struct {
	Class          string
	X1, Y1, X2, Y2 unit
}

type bar struct {
	Class               string
	X, Y, Width, Height unit
	Tip                 string
}

type path struct{ Class, D string }

type dot struct {
	Class string
	X, Y  unit
	Tip   string
}

type label struct {
	Class string
	X, Y  unit
	Text  string
}

// unit is a coordinate, written with one decimal.
type unit float64

// String is the number with at most one decimal.
func (u unit) String() string { return strconv.FormatFloat(math.Round(float64(u)*10)/10, 'f', -1, 64) }

// data is what a chart shows: names, and for each series a value for each name,
// which is NaN where it is not known.
type data struct {
	names  []string
	series []series
}

type series struct {
	name   string
	values []float64
}

// width of all pictures. Letters of 11 units can be read when 420 are as wide as
// a telephone.
const width = 420

// draw makes the picture of a chart; it is false where there is nothing to draw.
func draw(c sheet.Chart, table sheet.Table) (picture, bool) {
	d, ok := read(c, table)
	if !ok {
		return picture{}, false
	}
	p := picture{Title: c.Title, Width: width, Description: d.describe()}
	if len(d.series) > 1 {
		for n, s := range d.series {
			p.Legend = append(p.Legend, cell{s.name, class(n)})
		}
	}
	top := scaleTo(d.highest(c.Stacked))
	switch c.Kind {
	case sheet.BarChart:
		p.bars(d, top, c.Stacked)
	case sheet.LineChart:
		p.lines(d, top)
	default:
		p.columns(d, top, c.Stacked)
	}
	return p, true
}

// read takes the chart's columns out of the table. Amounts become floating-point
// numbers here, because they become lengths.
func read(c sheet.Chart, table sheet.Table) (data, bool) {
	column := func(header string) int {
		return slices.IndexFunc(table.Columns, func(c sheet.Column) bool { return c.Header == header })
	}
	names := column(c.Category)
	var at []int
	var d data
	for _, header := range c.Values {
		n := column(header)
		if n < 0 {
			return data{}, false
		}
		at = append(at, n)
		d.series = append(d.series, series{name: strings.TrimSuffix(header, "(USD)")})
	}
	if names < 0 || len(at) == 0 {
		return data{}, false
	}
	for values := range table.Rows {
		if len(d.names) == c.Rows {
			break
		}
		d.names = append(d.names, shown(table.Columns[names].Format, values[names]))
		for n, column := range at {
			value := math.NaN()
			if usd, ok := values[column].(price.USD); ok {
				value = usd.Float()
			}
			d.series[n].values = append(d.series[n].values, value)
		}
	}
	return d, len(d.names) > 0
}

// describe is the chart in words, for who does not see it.
func (d data) describe() string {
	var all []string
	for n, name := range d.names {
		var values []string
		for _, s := range d.series {
			text := "not known"
			if v := s.values[n]; !math.IsNaN(v) {
				text = money(v)
			}
			if len(d.series) > 1 {
				text = s.name + " " + text
			}
			values = append(values, text)
		}
		all = append(all, name+": "+strings.Join(values, ", "))
	}
	return strings.Join(all, "; ")
}

// highest is the highest value, or sum of values where they are stacked.
func (d data) highest(stacked bool) float64 {
	var most float64
	for n := range d.names {
		var sum float64
		for _, s := range d.series {
			v := s.values[n]
			if math.IsNaN(v) {
				continue
			}
			if !stacked {
				sum = 0
			}
			sum += max(v, 0)
			most = max(most, sum)
		}
	}
	return most
}

// scale is an axis from 0 to end with a mark at every step.
type scale struct{ step, end float64 }

// scaleTo is a scale that reaches a value in two to five steps of 1, 2, 2.5 or 5
// times a power of ten.
func scaleTo(highest float64) scale {
	if highest <= 0 {
		return scale{1, 1}
	}
	power := math.Pow(10, math.Floor(math.Log10(highest/4)))
	step := 10 * power
	for _, times := range []float64{1, 2, 2.5, 5} {
		if times*power*4 >= highest {
			step = times * power
			break
		}
	}
	return scale{step, step * math.Ceil(highest/step-1e-9)}
}

// marks are the values at which the axis has marks.
func (s scale) marks() []float64 {
	var all []float64
	for n := range int(math.Round(s.end/s.step)) + 1 {
		all = append(all, float64(n)*s.step)
	}
	return all
}

// mark is a value as the axis shows it, where thousands are short.
func (s scale) mark(v float64) string {
	switch {
	case v == 0:
		return "0"
	case s.step >= 1e6 || v >= 1e7:
		return trimmed(v/1e6) + "M"
	case s.step >= 1e3 || v >= 1e5:
		return trimmed(v/1e3) + "k"
	default:
		return trimmed(v)
	}
}

func trimmed(v float64) string {
	return grouped(strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64))
}

// money is an amount at a bar: cents only where they matter.
func money(v float64) string {
	if math.Abs(v) >= 1000 {
		return grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return grouped(strconv.FormatFloat(v, 'f', 2, 64))
}

func class(series int) string { return fmt.Sprintf("s%d", series%4) }

// textWidth is about how wide a text of the pictures' size is.
func textWidth(text string) float64 {
	var wide float64
	for _, r := range text {
		wide += runeWidth(r)
	}
	return wide
}

// runeWidth is about how wide a letter of 11 units is in a font that is rather
// wide: too much space does no harm.
func runeWidth(r rune) float64 {
	switch {
	case r >= 0x1100: // Hangul, Kana, CJK, emoji
		return 11
	case strings.ContainsRune("ijlt.,:;'|!()[] ", r):
		return 4.4
	case strings.ContainsRune("mwMW@%", r):
		return 10.5
	case r >= 'A' && r <= 'Z':
		return 7.6
	default:
		return 6.8
	}
}

// cut ends a text that is too wide in a mark.
func cut(text string, space float64) string {
	if textWidth(text) <= space {
		return text
	}
	var b strings.Builder
	left := space - 9
	for _, r := range text {
		if left -= runeWidth(r); left < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}
