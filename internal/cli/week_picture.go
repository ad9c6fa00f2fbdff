package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// weekPicture draws weeks on a terminal, grouped by zone: the local days of
// two zones do not stand below each other.
type weekPicture struct {
	weeks []week
	now   time.Time
	width int
	color bool

	// cells is how many blocks a day has, names how wide the names' column is,
	// sums that of the hours.
	cells, names, sums int
}

// block is a part of a local day: how much of it is running, left to people,
// and there at all. Clock changes make parts longer, or skip them.
type block struct {
	running, unmanaged, whole time.Duration
	starts, stops             bool // edges of a schedule that has only such
}

// quarter is the grid on which the zones' clocks change.
const quarter = 15 * time.Minute

// blocks cuts the local days of a week into equal parts of the clock.
func (w week) blocks(aDay int) [][]block {
	days := make([][]block, len(w.Days))
	for i := range days {
		days[i] = make([]block, aDay)
	}
	first := dateOf(w.From)
	at := func(t time.Time) *block {
		local := t.In(w.From.Location())
		day := int(dateOf(local).Sub(first) / (24 * time.Hour))
		return &days[day][(local.Hour()*60+local.Minute())*aDay/(24*60)]
	}
	for _, s := range w.Spans {
		for t := s.From; t.Before(s.To); {
			end := t.Truncate(quarter).Add(quarter)
			if end.After(s.To) {
				end = s.To
			}
			b := at(t)
			b.whole += end.Sub(t)
			switch s.State {
			case schedule.Running:
				b.running += end.Sub(t)
			case schedule.Unmanaged:
				b.unmanaged += end.Sub(t)
			default: // stopped
			}
			t = end
		}
	}
	for _, e := range w.Edges {
		b := at(e.At)
		b.starts = b.starts || e.State == schedule.Running
		b.stops = b.stops || e.State == schedule.Stopped
	}
	return days
}

// The inks of a picture, as SGR codes.
const (
	inkNone    = ""
	inkStrong  = "1"
	inkFaint   = "2"
	inkRunning = "32"
	inkPeople  = "33"
	inkEdge    = "1;36"
	inkNow     = "1;35"
)

// draw is the sign of a block, which says all without its ink.
func (b block) draw() (sign, ink string) {
	switch {
	case b.starts:
		return "↑", inkEdge
	case b.stops:
		return "↓", inkEdge
	case b.whole == 0:
		return " ", inkNone // the clock skips it
	case b.running > 0 && b.unmanaged > 0:
		return "▒", inkPeople
	case b.unmanaged > 0:
		return "░", inkPeople
	case b.running > 0:
		eighths := (b.running*8 + b.whole/2) / b.whole
		return string([]rune("▁▂▃▄▅▆▇█")[max(1, eighths)-1]), inkRunning
	}
	return "·", inkFaint
}

func (p *weekPicture) paint(ink, text string) string {
	if !p.color || ink == inkNone || text == "" {
		return text
	}
	return "\033[" + ink + "m" + text + "\033[0m"
}

// layout chooses the finest blocks that fit beside the names. Where not even
// the coarse ones do, names are cut.
func (p *weekPicture) layout() {
	const longest, shortest = 32, 8
	p.names, p.sums = shortest, 0
	for _, w := range p.weeks {
		p.names = max(p.names, text.Width(text.Printable(w.Schedule)), text.Width(w.Zone))
		p.sums = max(p.sums, text.Width(w.sum()))
	}
	p.names = min(p.names, longest)
	room := p.width - 2 - 2 - p.sums - 6 // the gaps, and those between days
	for _, p.cells = range []int{48, 24, 12, 8, 6} {
		if p.names+7*p.cells <= room {
			return
		}
	}
	if p.names = room - 7*p.cells; p.names < 2*shortest {
		p.cells = 4
		p.names = max(shortest, room-7*p.cells)
	}
}

// sum is how long the schedule runs in the week, and the part of it.
func (w week) sum() string {
	if w.OneSided {
		return "people"
	}
	more := " "
	if w.Unmanaged > 0 {
		more = "+"
	}
	return fmt.Sprintf("%s%s%4s", inHours(w.Running), more, fmt.Sprintf("%.0f%%", w.Share*100))
}

func (p *weekPicture) print(out io.Writer) {
	p.layout()
	var zones []string
	for _, w := range p.weeks {
		if !slices.Contains(zones, w.Zone) {
			zones = append(zones, w.Zone)
		}
	}
	first := p.weeks[0]
	fmt.Fprintf(out, "%s, %s\n", p.paint(inkStrong, first.From.Format("2 January 2006")+" to "+first.To.Add(-1).Format("2 January 2006")), p.scale())
	for _, zone := range zones {
		fmt.Fprintln(out)
		heads := false
		for _, w := range p.weeks {
			if w.Zone != zone {
				continue
			}
			if !heads {
				heads = true
				p.head(out, w)
			}
			p.row(out, w)
		}
		for _, w := range p.weeks {
			if w.Zone == zone {
				p.odd(out, w)
				break
			}
		}
	}
	fmt.Fprintln(out)
	for _, l := range p.legend() {
		fmt.Fprintln(out, l)
	}
}

// scale says how long a block is.
func (p *weekPicture) scale() string {
	switch p.cells {
	case 48:
		return "a block is half an hour"
	case 24:
		return "a block is an hour"
	default:
		return fmt.Sprintf("a block is %d hours", 24/p.cells)
	}
}

// head prints the zone with its days, the hours of the day where there is room,
// and where in the week it is now.
func (p *weekPicture) head(out io.Writer, w week) {
	label := "Mon 2"
	switch {
	case p.cells >= 12:
		label = "Mon 2 Jan"
	case p.cells < 6:
		label = "Mon"
	}
	six := p.cells / 4
	quarters := text.Pad("0", six) + text.Pad("6", six) + text.Pad("12", six) + text.Pad("18", six)
	var days, clock []string
	for _, d := range w.Days {
		days = append(days, text.Pad(d.date.Format(label), p.cells))
		clock = append(clock, quarters)
	}
	fmt.Fprintln(out, p.paint(inkStrong, text.Pad(cutLeft(w.Zone, p.names), p.names)+"  "+strings.TrimRight(strings.Join(days, " "), " ")))
	if p.cells >= 12 {
		fmt.Fprintln(out, p.paint(inkFaint, strings.Repeat(" ", p.names+2)+strings.TrimRight(strings.Join(clock, " "), " ")))
	}
	if p.now.Before(w.From) || !p.now.Before(w.To) {
		return
	}
	local := p.now.In(w.From.Location())
	day := int(dateOf(local).Sub(dateOf(w.From)) / (24 * time.Hour))
	cell := day*(p.cells+1) + (local.Hour()*60+local.Minute())*p.cells/(24*60)
	column, label := p.names+2+cell, "▼ now "+local.Format("15:04")
	if column+text.Width(label) > p.width {
		label = "now " + local.Format("15:04") + " ▼"
		column -= text.Width(label) - 1
	}
	fmt.Fprintln(out, strings.Repeat(" ", column)+p.paint(inkNow, label))
}

// row prints the blocks of a schedule.
func (p *weekPicture) row(out io.Writer, w week) {
	var line strings.Builder
	line.WriteString(text.Pad(cutRight(text.Printable(w.Schedule), p.names), p.names) + "  ")
	for n, day := range w.blocks(p.cells) {
		if n > 0 {
			line.WriteByte(' ')
		}
		ink, run := inkNone, ""
		for _, b := range day {
			sign, now := b.draw()
			if now != ink {
				line.WriteString(p.paint(ink, run))
				ink, run = now, ""
			}
			run += sign
		}
		line.WriteString(p.paint(ink, run))
	}
	sum := w.sum()
	fmt.Fprintln(out, line.String()+"  "+strings.Repeat(" ", p.sums-text.Width(sum))+sum)
}

// odd tells of days that have not 24 hours.
func (p *weekPicture) odd(out io.Writer, w week) {
	for _, d := range w.Days {
		if d.Hours != 24 {
			fmt.Fprintf(out, "%s  %s has %s hours\n", strings.Repeat(" ", p.names), d.date.Format("Mon 2 Jan"), strings.TrimSuffix(inHours(d.Hours), "h"))
		}
	}
}

// legend explains the signs that are in the picture.
func (p *weekPicture) legend() []string {
	seen := map[string]string{}
	for _, w := range p.weeks {
		for _, day := range w.blocks(p.cells) {
			for _, b := range day {
				sign, ink := b.draw()
				if ink == inkRunning {
					sign = "█"
				}
				seen[sign] = ink
			}
		}
	}
	running := "running"
	if p.cells < 48 {
		running += " (its height: how much of the block)"
	}
	var lines []string
	line := ""
	for _, entry := range [][2]string{
		{"█", running},
		{"·", "stopped"},
		{"░", "left to people"},
		{"▒", "partly running, partly left to people"},
		{"↑", "started once"},
		{"↓", "stopped once"},
	} {
		ink, there := seen[entry[0]]
		if !there {
			continue
		}
		plain := entry[0] + " " + entry[1]
		if line != "" && text.Width(line)+3+text.Width(plain) > p.width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += "   "
		}
		line += p.paint(ink, entry[0]) + " " + entry[1]
	}
	return append(lines, line)
}

// cutRight shortens a text to so many columns; cutLeft keeps its end.
func cutRight(s string, width int) string {
	if text.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && text.Width(string(runes))+1 > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

func cutLeft(s string, width int) string {
	if text.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && text.Width(string(runes))+1 > width {
		runes = runes[1:]
	}
	return "…" + string(runes)
}
