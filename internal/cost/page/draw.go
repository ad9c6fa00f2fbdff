package page

import (
	"math"
	"strings"
)

// Distances in pictures.
const (
	textHeight = 11
	gap        = 6 // between text and shapes
	barStep    = 20
	barHeight  = 13
	plotHeight = 190 // of upright charts
)

// bars draws horizontal bars with the names at the left and the values at
// their ends.
func (p *picture) bars(d data, s scale, stacked bool) {
	var left, right float64
	for n, name := range d.names {
		left = max(left, textWidth(name))
		right = max(right, textWidth(money(d.end(n, stacked))))
	}
	left = min(left, width*0.42) + gap
	plot := width - left - right - 2*gap
	x := func(v float64) unit { return unit(left + v/s.end*plot) }
	bottom := float64(len(d.names)*barStep) + 4
	p.Height = int(bottom) + textHeight + gap
	for _, mark := range s.marks() {
		p.Lines = append(p.Lines, line{"grid", x(mark), 0, x(mark), unit(bottom)})
		p.Labels = append(p.Labels, label{"axis middle", x(mark), unit(bottom + textHeight + 2), s.mark(mark)})
	}
	for n, name := range d.names {
		y := float64(n*barStep) + 4
		at := 0.0
		for k, one := range d.series {
			v := one.values[n]
			if math.IsNaN(v) || v <= 0 {
				continue
			}
			height, top := float64(barHeight), y
			if !stacked {
				at, height = 0, barHeight/float64(len(d.series))
				top += height * float64(k)
			}
			p.Bars = append(p.Bars, bar{class(k), x(at), unit(top), x(at+v) - x(at), unit(height), d.tip(n, k)})
			at += v
		}
		text := unit(y + barHeight - 2.5)
		p.Labels = append(p.Labels,
			label{"end", unit(left - gap), text, cut(name, left-gap)},
			label{"axis", x(d.end(n, stacked)) + gap, text, money(d.end(n, stacked))})
	}
}

// end is where the bar of a name ends: the sum of its values, or the highest.
func (d data) end(n int, stacked bool) float64 {
	var end float64
	for _, s := range d.series {
		switch v := s.values[n]; {
		case math.IsNaN(v):
		case stacked:
			end += v
		default:
			end = max(end, v)
		}
	}
	return end
}

// tip is the text that is shown where the pointer rests.
func (d data) tip(n, series int) string {
	s := d.series[series]
	if len(d.series) == 1 {
		return d.names[n] + ": " + money(s.values[n])
	}
	return d.names[n] + ", " + s.name + ": " + money(s.values[n])
}

// upright prepares the plot of an upright chart and returns where it begins and
// how wide it is, and the height of a value.
func (p *picture) upright(s scale) (left, plot float64, y func(float64) unit) {
	for _, mark := range s.marks() {
		left = max(left, textWidth(s.mark(mark)))
	}
	left += gap
	const above = textHeight + gap
	p.Height = above + plotHeight + textHeight + 2*gap
	y = func(v float64) unit { return unit(above + plotHeight*(1-v/s.end)) }
	for _, mark := range s.marks() {
		p.Lines = append(p.Lines, line{"grid", unit(left), y(mark), width, y(mark)})
		p.Labels = append(p.Labels, label{"axis end", unit(left - gap), y(mark) + 4, s.mark(mark)})
	}
	return left, width - left, y
}

// columns draws upright bars with their sums on top and the names below.
func (p *picture) columns(d data, s scale, stacked bool) {
	left, plot, y := p.upright(s)
	step := plot / float64(len(d.names))
	wide := min(step*0.7, 70)
	for n, name := range d.names {
		middle := left + step*(float64(n)+0.5)
		at := 0.0
		for k, one := range d.series {
			v := one.values[n]
			if math.IsNaN(v) || v <= 0 {
				continue
			}
			w, x := wide, middle-wide/2
			if !stacked {
				w, at = wide/float64(len(d.series)), 0
				x += w * float64(k)
			}
			p.Bars = append(p.Bars, bar{class(k), unit(x), y(at + v), unit(w), y(at) - y(at+v), d.tip(n, k)})
			at += v
		}
		p.Labels = append(p.Labels, label{"middle", unit(middle), y(0) + textHeight + gap, cut(name, step-2)})
		if text := money(d.end(n, stacked)); stacked || len(d.series) == 1 {
			p.Labels = append(p.Labels, label{"axis middle", unit(middle), y(d.end(n, stacked)) - 4, text})
		}
	}
}

// lines draws one line a series from left to right. What is not known is a gap.
func (p *picture) lines(d data, s scale) {
	left, plot, y := p.upright(s)
	x := func(n int) unit {
		if len(d.names) == 1 {
			return unit(left + plot/2)
		}
		return unit(left + 4 + (plot-8)*float64(n)/float64(len(d.names)-1))
	}
	for k, one := range d.series {
		var way strings.Builder
		pen := "M"
		for n, v := range one.values {
			if math.IsNaN(v) {
				pen = "M"
				continue
			}
			way.WriteString(pen + x(n).String() + " " + y(v).String())
			pen = "L"
			p.Dots = append(p.Dots, dot{class(k), x(n), y(v), d.tip(n, k)})
		}
		p.Paths = append(p.Paths, path{class(k), way.String()})
	}
	// Only as many names as fit, the last one always.
	var widest float64
	for _, name := range d.names {
		widest = max(widest, textWidth(name))
	}
	every := max(int(math.Ceil(float64(len(d.names))*(widest+10)/plot)), 1)
	for n := len(d.names) - 1; n >= 0; n -= every {
		at, align := x(n), "axis middle"
		switch {
		case n == len(d.names)-1:
			at, align = width, "axis end"
		case float64(at)-widest/2 < 0:
			continue
		}
		p.Labels = append(p.Labels, label{align, at, y(0) + textHeight + gap, d.names[n]})
	}
}
