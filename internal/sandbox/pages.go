package sandbox

import (
	"encoding/base64"
	"encoding/binary"
)

// page is the part of a listing that a call asks for.
type page struct {
	size  int    // 0: everything
	seq   uint64 // start after this place
	index int
	begun bool // there was a token
	query uint64
	seed  uint64
	seal  uint64 // of the account and the region, which a token belongs to
	empty bool   // answer with nothing but a token
	first bool   // the token came with an empty page
}

// after says whether a place is beyond what earlier pages showed.
func (p page) after(seq uint64, index int) bool {
	return !p.begun || seq > p.seq || seq == p.seq && index > p.index
}

// token names the place after which the next page begins. It holds only for
// the same query and region, and nobody can make one up.
func (p page) token(seq uint64, index int, empty bool) string {
	b := make([]byte, 0, 33)
	b = binary.BigEndian.AppendUint64(b, p.query)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, uint64(index+1))
	if empty {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.BigEndian.AppendUint64(b, mixText(p.seal, string(b)))
	for n := range b[:25] { // keep clients from reading it
		b[n] ^= b[25+n%8]
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (p *page) resume(token string) *apiError {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) != 33 {
		return invalid("InvalidPaginationToken", "The specified pagination token is not valid.")
	}
	for n := range b[:25] {
		b[n] ^= b[25+n%8]
	}
	if binary.BigEndian.Uint64(b[25:]) != mixText(p.seal, string(b[:25])) {
		return invalid("InvalidPaginationToken", "The specified pagination token is not valid.")
	}
	if binary.BigEndian.Uint64(b) != p.query {
		return invalid("InvalidParameterValue", "The pagination token was issued for a request with other parameters.")
	}
	p.seq = binary.BigEndian.Uint64(b[8:])
	p.index = int(binary.BigEndian.Uint64(b[16:])) - 1
	p.first = b[24] == 1
	p.begun = p.seq > 0 || p.index >= 0
	return nil
}

// cutPage keeps what fits on the page of rows that come in order of place and
// gives the token for the rest.
func cutPage[T any](p page, rows []T, place func(T) (uint64, int)) ([]T, string) {
	if p.empty && len(rows) > 0 {
		seq, index := p.seq, p.index
		if !p.begun {
			seq, index = 0, -1
		}
		return nil, p.token(seq, index, true)
	}
	if p.size == 0 || len(rows) <= p.size {
		return rows, ""
	}
	rows = rows[:p.size]
	seq, index := place(rows[len(rows)-1])
	return rows, p.token(seq, index, false)
}

// rest keeps of a list what a page has left to show and its filters pass, as
// much as fits on it and one more.
func rest[T any](p page, list []T, seq func(T) uint64, fs []filter[T]) []T {
	var rows []T
	for _, x := range list {
		if p.after(seq(x), 0) && matchAll(fs, x) {
			rows = append(rows, x)
			if p.size > 0 && len(rows) > p.size {
				break
			}
		}
	}
	return rows
}
