package wire

import (
	"encoding/base64"
	"encoding/binary"

	"nightshift/internal/sandbox/random"
)

// Page is the part of a listing that a call asks for.
type Page struct {
	Size  int    // 0: everything
	Seq   uint64 // start after this place
	Index int
	Begun bool // there was a token
	Query uint64
	Seed  uint64
	Seal  uint64 // of the account and the region, which a token belongs to
	Empty bool   // answer with nothing but a token
	First bool   // the token came with an empty page
}

// After says whether a place is beyond what earlier pages showed.
func (p Page) After(seq uint64, index int) bool {
	return !p.Begun || seq > p.Seq || seq == p.Seq && index > p.Index
}

// Token names the place after which the next page begins. It holds only for
// the same query and region, and nobody can make one up.
func (p Page) Token(seq uint64, index int, empty bool) string {
	b := make([]byte, 0, 33)
	b = binary.BigEndian.AppendUint64(b, p.Query)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, uint64(index+1))
	if empty {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.BigEndian.AppendUint64(b, random.HashText(p.Seal, string(b)))
	for n := range b[:25] { // keep clients from reading it
		b[n] ^= b[25+n%8]
	}
	return base64.StdEncoding.EncodeToString(b)
}

// Resume reads a token; the page begins after the place that it names.
func (p *Page) Resume(token string) *Error {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) != 33 {
		return Invalid("InvalidPaginationToken", "The specified pagination token is not valid.")
	}
	for n := range b[:25] {
		b[n] ^= b[25+n%8]
	}
	if binary.BigEndian.Uint64(b[25:]) != random.HashText(p.Seal, string(b[:25])) {
		return Invalid("InvalidPaginationToken", "The specified pagination token is not valid.")
	}
	if binary.BigEndian.Uint64(b) != p.Query {
		return Invalid("InvalidParameterValue", "The pagination token was issued for a request with other parameters.")
	}
	p.Seq = binary.BigEndian.Uint64(b[8:])
	p.Index = int(binary.BigEndian.Uint64(b[16:])) - 1
	p.First = b[24] == 1
	p.Begun = p.Seq > 0 || p.Index >= 0
	return nil
}

// CutPage keeps what fits on the page of rows that come in order of place and
// gives the token for the rest.
func CutPage[T any](p Page, rows []T, position func(T) (uint64, int)) ([]T, string) {
	if p.Empty && len(rows) > 0 {
		seq, index := p.Seq, p.Index
		if !p.Begun {
			seq, index = 0, -1
		}
		return nil, p.Token(seq, index, true)
	}
	if p.Size == 0 || len(rows) <= p.Size {
		return rows, ""
	}
	rows = rows[:p.Size]
	seq, index := position(rows[len(rows)-1])
	return rows, p.Token(seq, index, false)
}

// Remaining keeps of a list what a page has left to show and its filters pass, as
// much as fits on it and one more.
func Remaining[T any](p Page, list []T, seq func(T) uint64, fs []Filter[T]) []T {
	var rows []T
	for _, x := range list {
		if p.After(seq(x), 0) && MatchAll(fs, x) {
			rows = append(rows, x)
			if p.Size > 0 && len(rows) > p.Size {
				break
			}
		}
	}
	return rows
}
