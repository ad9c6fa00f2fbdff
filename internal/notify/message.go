package notify

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"nightshift/internal/text"
)

// Kind says what a group of lines is about.
type Kind string

// The kinds, in the order in which they stand in a message.
const (
	KindProblem  Kind = "problem"
	KindStill    Kind = "still" // a reminder
	KindResolved Kind = "resolved"
	KindDone     Kind = "done"
	KindUpcoming Kind = "upcoming"
	KindNote     Kind = "note"
)

// Message is what one recipient is told of one run. Texts are plain: each channel
// writes them so that nothing in them has a meaning for it.
type Message struct {
	// ID is the same each time the message is sent.
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Job   string    `json:"job,omitempty"`
	Title string    `json:"title"`
	// Failed is true where something is wrong.
	Failed bool    `json:"failed,omitempty"`
	Groups []Group `json:"groups,omitempty"`
	// Page is the address of the page, empty where there is none.
	Page string `json:"page,omitempty"`
	// Event is what a pager is told instead of the groups: one problem.
	Event *Event `json:"event,omitempty"`
	// Until is when the message has no meaning any more, by AWS's clock; zero is a day after At, or for
	// the end of an event as long as a problem is remembered.
	Until time.Time `json:"until,omitzero"`
}

// Group is lines under a heading.
type Group struct {
	Kind    Kind   `json:"kind"`
	Heading string `json:"heading"`
	Lines   []Line `json:"lines,omitempty"`
	// More is how many lines were left out.
	More int `json:"more,omitempty"`
}

// Line is a line, with a command to copy and a link to the page where there is one.
// Following the link changes nothing: programs follow links, too.
type Line struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"`
	Link    string `json:"link,omitempty"`
}

// Event is a problem that began or ended, as a pager takes it.
type Event struct {
	// Key is the same when it begins and when it ends.
	Key      string `json:"key"`
	Resolved bool   `json:"resolved,omitempty"`
	Problem  string `json:"problem"`
	Resource string `json:"resource,omitempty"`
	Code     string `json:"code,omitempty"`
}

// The bounds of a message.
const (
	mostLines = 50 // of a group
	mostText  = 300
	keepFor   = 24 * time.Hour
)

func newMessage(at time.Time, job, title string) Message {
	return Message{ID: strings.ToLower(rand.Text()[:20]), At: at.UTC().Truncate(time.Second), Job: job, Title: title}
}

// late says whether it is too late to send the message, by the clocks of this machine
// and of AWS.
func (m Message) late(now, clock time.Time) bool {
	switch {
	case !m.Until.IsZero():
		return !clock.Before(m.Until)
	case m.Event != nil && m.Event.Resolved: // without it the incident stays
		return now.Sub(m.At) > forgotten
	default:
		return now.Sub(m.At) > keepFor
	}
}

// with is the message with another group.
func (m Message) with(g Group) Message {
	m.Groups = append(append([]Group{}, m.Groups...), g)
	return m
}

// add appends a group, of which it keeps the first lines.
func (m *Message) add(kind Kind, heading string, lines []Line) {
	g := Group{Kind: kind, Heading: clip(heading), Lines: lines}
	if len(lines) > mostLines {
		g.Lines, g.More = lines[:mostLines:mostLines], len(lines)-mostLines
	}
	m.Groups = append(m.Groups, g)
}

// shorter is the message with at most so many lines in each group.
func (m Message) shorter(most int) Message {
	groups := make([]Group, len(m.Groups))
	for n, g := range m.Groups {
		if len(g.Lines) > most {
			g.More, g.Lines = g.More+len(g.Lines)-most, g.Lines[:most]
		}
		groups[n] = g
	}
	m.Groups = groups
	return m
}

// cut is the message with at most so many groups.
func (m Message) cut(most int) Message {
	if len(m.Groups) <= most {
		return m
	}
	rest := 0
	for _, g := range m.Groups[most-1:] {
		rest += max(1, len(g.Lines)+g.More)
	}
	m.Groups = append(append([]Group{}, m.Groups[:most-1]...), Group{Kind: KindNote, Heading: leftOut(rest)})
	return m
}

// fitted renders a message with fewer and fewer lines until it is small enough.
func fitted(m Message, most int, render func(Message) ([]byte, error)) ([]byte, error) {
	for lines := mostLines; ; lines /= 2 {
		body, err := render(m.shorter(lines))
		switch {
		case err != nil || len(body) <= most:
			return body, err
		case lines == 0 && len(m.Groups) > 1:
			m = m.cut(max(1, len(m.Groups)/2))
			lines = 2
		case lines == 0:
			return nil, fmt.Errorf("the message does not fit into %d bytes", most)
		}
	}
}

func leftOut(n int) string { return fmt.Sprintf("%s more left out", text.Number(int64(n))) }

func dropped(n int) string {
	return text.Count(n, "earlier message was", "earlier messages were") + " dropped: they were too many, too old or refused"
}

// clip makes a text safe and short: tags are written by anyone.
func clip(s string) string {
	s = text.Printable(strings.ToValidUTF8(s, "\ufffd"))
	if runes := []rune(s); len(runes) > mostText {
		return string(runes[:mostText-1]) + "…"
	}
	return s
}

// Plain is the message as a text, as mail shows it.
func (m Message) Plain() string {
	var b strings.Builder
	b.WriteString(m.Title + "\n")
	for _, g := range m.Groups {
		b.WriteString("\n" + g.Heading + "\n")
		for _, l := range g.Lines {
			b.WriteString("  " + l.Text + "\n")
			if l.Command != "" {
				b.WriteString("    " + l.Command + "\n")
			}
			if l.Link != "" {
				b.WriteString("    " + l.Link + "\n")
			}
		}
		if g.More > 0 {
			b.WriteString("  " + leftOut(g.More) + "\n")
		}
	}
	if m.Page != "" {
		b.WriteString("\n" + m.Page + "\n")
	}
	b.WriteString("\n" + m.footer() + "\n")
	return b.String()
}

// footer says when and by whom it was written.
func (m Message) footer() string {
	return fmt.Sprintf("nightshift, %s, id %s", m.At.UTC().Format(time.RFC3339), m.ID)
}
