package fleet

import "time"

// Span is the time from From to To, To excluded. It is empty where To is not
// after From.
type Span struct {
	From, To time.Time
}

// Length is the length of the span, 0 where it is empty.
func (s Span) Length() time.Duration { return max(s.To.Sub(s.From), 0) }

// Within is the part of the span that lies in another.
func (s Span) Within(other Span) Span {
	if s.From.Before(other.From) {
		s.From = other.From
	}
	if s.To.After(other.To) {
		s.To = other.To
	}
	return s
}

// Sampled is an instance whose samples in CloudWatch are counted: one every
// five minutes, or, with detailed monitoring, one a minute.
type Sampled struct {
	ID       ResourceID
	Detailed bool
}
