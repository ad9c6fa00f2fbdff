package ec2

import (
	"fmt"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/wire"
)

// leastResults is the smallest page that a caller may ask for.
const leastResults = 5

// page reads MaxResults, which is from 5 to most, and NextToken.
func (c *ec2Call) page(most int64, filtered bool) (wire.Page, *wire.Error) {
	return c.pageFrom(leastResults, most, filtered)
}

// listing is what Describe operations begin with, once their filters are read:
// the page, and the checks of a call that only reads. Ids exclude MaxResults
// where the operation has a set for them, by whose name the refusal calls it.
func (c *ec2Call) listing(most int64, filtered bool, ids []string, set string) (wire.Page, *wire.Error) {
	if set != "" && len(ids) > 0 && c.Params.Has("MaxResults") {
		return wire.Page{}, wire.Invalid("InvalidParameterCombination", "The parameter "+set+" cannot be used with the parameter maxResults")
	}
	p, err := c.page(most, filtered)
	if err != nil {
		return wire.Page{}, err
	}
	c.resources = len(ids)
	return p, c.readOnly()
}

// pageFrom is page where MaxResults may be smaller or must be larger.
func (c *ec2Call) pageFrom(least, most int64, filtered bool) (wire.Page, *wire.Error) {
	p := wire.Page{Query: c.Params.Fingerprint(c.Action), Seed: c.Organization.Seed}
	p.Seal = random.HashText(p.Seed, c.Region.Name)
	n := c.Params.At("MaxResults")
	if n.Set {
		size, err := c.Params.Number("MaxResults")
		if err != nil {
			return p, err
		}
		switch {
		case size < least:
			return p, wire.Invalid("InvalidParameterValue",
				fmt.Sprintf("Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", size, least))
		case size > most:
			return p, wire.Invalid("InvalidParameterValue",
				fmt.Sprintf("Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to %d.", size, most))
		}
		p.Size = int(size)
	}
	if token := c.Params.Text("NextToken"); token != "" {
		if err := p.Resume(token); err != nil {
			return p, err
		}
		if p.Size == 0 {
			p.Size = int(most)
		}
	}
	rate := c.Organization.EmptyPages
	if rate == 0 {
		rate = 0.1
	}
	p.Empty = filtered && p.Size > 0 && !p.First && random.Fraction(random.Hash(p.Seed, p.Query, p.Seq, uint64(p.Index))) < rate
	return p, nil
}
