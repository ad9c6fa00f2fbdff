package sandbox

import "fmt"

// leastResults is the smallest page that a caller may ask for.
const leastResults = 5

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
	p := page{query: c.form.fingerprint(c.action), seed: c.org.seed}
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
	rate := c.org.emptyPages
	if rate == 0 {
		rate = 0.1
	}
	p.empty = filtered && p.size > 0 && !p.first && share(mix(p.seed, p.query, p.seq, uint64(p.index))) < rate
	return p, nil
}
