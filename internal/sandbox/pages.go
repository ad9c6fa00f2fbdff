package sandbox

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// leastResults is the smallest page that a caller may ask for.
const leastResults = 5

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

// page reads MaxResults, which is from 5 to most, and NextToken.
func (c *ec2Call) page(most int64, filtered bool) (page, *apiError) {
	return c.pageFrom(leastResults, most, filtered)
}

// listing is what Describe operations begin with, once their filters are read:
// the page, and the checks of a call that only reads. Ids exclude MaxResults
// where the operation has a set for them, by whose name the refusal calls it.
func (c *ec2Call) listing(most int64, filtered bool, ids []string, set string) (page, *apiError) {
	if set != "" && len(ids) > 0 && c.form.has("MaxResults") {
		return page{}, invalid("InvalidParameterCombination", "The parameter "+set+" cannot be used with the parameter maxResults")
	}
	p, err := c.page(most, filtered)
	if err != nil {
		return page{}, err
	}
	c.resources = len(ids)
	return p, c.readOnly()
}

// pageFrom is page where MaxResults may be smaller or must be larger.
func (c *ec2Call) pageFrom(least, most int64, filtered bool) (page, *apiError) {
	p := page{query: c.form.fingerprint(c.request.call.Action), seed: c.sandbox.opts.Seed}
	p.seal = mixText(p.seed, c.region.name)
	n := c.form.at("MaxResults")
	if n.set {
		size, err := c.form.number("MaxResults")
		if err != nil {
			return p, err
		}
		switch {
		case size < least:
			return p, invalid("InvalidParameterValue",
				fmt.Sprintf("Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", size, least))
		case size > most:
			return p, invalid("InvalidParameterValue",
				fmt.Sprintf("Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to %d.", size, most))
		}
		p.size = int(size)
	}
	if token := c.form.text("NextToken"); token != "" {
		if err := p.resume(token); err != nil {
			return p, err
		}
		if p.size == 0 {
			p.size = int(most)
		}
	}
	rate := c.sandbox.opts.EmptyPages
	if rate == 0 {
		rate = 0.1
	}
	p.empty = filtered && p.size > 0 && !p.first && share(mix(p.seed, p.query, p.seq, uint64(p.index))) < rate
	return p, nil
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

// fingerprint hashes what a request asks for, without its page.
func (p *params) fingerprint(action string) uint64 {
	var b strings.Builder
	b.WriteString(action)
	p.write(&b, "")
	return mixText(7, b.String())
}

func (p *params) write(b *strings.Builder, path string) {
	for _, k := range slices.Sorted(maps.Keys(p.children)) {
		if path == "" && (k == "NextToken" || k == "MaxResults" || k == "Action" || k == "Version") {
			continue
		}
		c := p.children[k]
		fmt.Fprintf(b, "&%s.%s=%s", path, k, c.value)
		c.write(b, path+"."+k)
	}
}
