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
	weeks []schedule.Week
	now   time.Time
	width int
	color bool

	// cells is how many blocks a day has, names how wide the names' column is,
	// sums that of the hours.
	cells, names, sums int
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

// draw is the sign of a part of a day, which says all without its ink.
func draw(p schedule.Part) (sign, ink string) {
	switch {
	case p.Starts:
		return "↑", inkEdge
	case p.Stops:
		return "↓", inkEdge
	case p.Whole == 0:
		return " ", inkNone // the clock skips it
	case p.Running > 0 && p.Unmanaged > 0:
		return "▒", inkPeople
	case p.Unmanaged > 0:
		return "░", inkPeople
	case p.Running > 0:
		eighths := (p.Running*8 + p.Whole/2) / p.Whole
		return string([]rune("▁▂▃▄▅▆▇█")[max(1, eighths)-1]), inkRunning
	}
	return "·", inkFaint
}

func (p *weekPicture) paint(ink, text string) string { return paint(p.color, ink, text) }

// paint gives a text its ink, where colours are printed.
func paint(color bool, ink, text string) string {
	if !color || ink == inkNone || text == "" {
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
		p.sums = max(p.sums, text.Width(weekSum(w)))
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

// weekSum is how long the schedule runs in the week, and the part of it.
func weekSum(w schedule.Week) string {
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
func (p *weekPicture) head(out io.Writer, w schedule.Week) {
	label := "Mon 2"
	switch {
	case p.cells >= 12:
		label = "Mon 2 Jan"
	case p.cells < 6:
		label = "Mon"
	}
	six := p.cells / 4
	quarters := text.Pad("0", six) + text.Pad("6", six) + text.Pad("12", six) + text.Pad("18", six)
	var days, hours []string
	for _, d := range w.Days {
		days = append(days, text.Pad(dayOf(d).Format(label), p.cells))
		hours = append(hours, quarters)
	}
	fmt.Fprintln(out, p.paint(inkStrong, text.Pad(text.CutLeft(w.Zone, p.names), p.names)+"  "+strings.TrimRight(strings.Join(days, " "), " ")))
	if p.cells >= 12 {
		fmt.Fprintln(out, p.paint(inkFaint, strings.Repeat(" ", p.names+2)+strings.TrimRight(strings.Join(hours, " "), " ")))
	}
	if p.now.Before(w.From) || !p.now.Before(w.To) {
		return
	}
	clock := p.now.In(w.From.Location()).Format("15:04")
	day, part := w.Place(p.now, p.cells)
	column, label := p.names+2+day*(p.cells+1)+part, "▼ now "+clock
	if column+text.Width(label) > p.width {
		label = "now " + clock + " ▼"
		column -= text.Width(label) - 1
	}
	fmt.Fprintln(out, strings.Repeat(" ", column)+p.paint(inkNow, label))
}

// row prints the blocks of a schedule.
func (p *weekPicture) row(out io.Writer, w schedule.Week) {
	var line strings.Builder
	line.WriteString(text.Pad(text.CutRight(text.Printable(w.Schedule), p.names), p.names) + "  ")
	for n, day := range w.Parts(p.cells) {
		if n > 0 {
			line.WriteByte(' ')
		}
		ink, run := inkNone, ""
		for _, b := range day {
			sign, now := draw(b)
			if now != ink {
				line.WriteString(p.paint(ink, run))
				ink, run = now, ""
			}
			run += sign
		}
		line.WriteString(p.paint(ink, run))
	}
	sum := weekSum(w)
	fmt.Fprintln(out, line.String()+"  "+strings.Repeat(" ", p.sums-text.Width(sum))+sum)
}

// odd tells of days that have not 24 hours.
func (p *weekPicture) odd(out io.Writer, w schedule.Week) {
	for _, d := range w.Days {
		if d.Hours != 24 {
			fmt.Fprintf(out, "%s  %s has %s hours\n", strings.Repeat(" ", p.names), dayOf(d).Format("Mon 2 Jan"), strings.TrimSuffix(inHours(d.Hours), "h"))
		}
	}
}

// legend explains the signs that are in the picture.
func (p *weekPicture) legend() []string {
	seen := map[string]string{}
	for _, w := range p.weeks {
		for _, day := range w.Parts(p.cells) {
			for _, b := range day {
				sign, ink := draw(b)
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

// dayOf is a day of a week, as midnight in UTC.
func dayOf(d schedule.WeekDay) time.Time {
	date, _ := time.Parse(time.DateOnly, d.Date) // a date is one
	return date
}
