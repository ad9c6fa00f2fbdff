package recommend

import (
	"strings"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Recommendation is something that could cost less. Nothing is changed by the report:
// Fix is a command for people to read, check and run.
type Recommendation struct {
	Target fleet.Target
	// Code is stable, for programs: "unattached-volume", "gp2-to-gp3", …
	Code     string
	Resource string // its id
	Name     string
	Reason   string // one sentence
	// Saving is the net saving in a full month at list prices; it is never
	// negative. Certain is false where it is an upper bound.
	Saving  price.USD
	Certain bool
	// Advice is what to know before the command is run or, where no one command
	// would do it, what to do instead. It is empty where there is nothing to say.
	Advice string
	// Template is the command, in which {id} and {region} stand for those of the
	// resource: a large fleet has many recommendations of few kinds.
	Template string
}

// Listed is a recommendation for programs.
type Listed struct {
	Code     string        `json:"code"`
	Account  fleet.Account `json:"account"`
	Region   fleet.Region  `json:"region"`
	Resource string        `json:"resource"`
	Name     string        `json:"name"`
	Saving   cost.Amount   `json:"saving_monthly_usd"`
	Certain  bool          `json:"certain"`
	Reason   string        `json:"reason"`
	Fix      string        `json:"fix"`
	Advice   string        `json:"advice,omitempty"`
}

// List gives recommendations to programs.
func List(all []Recommendation) []Listed {
	list := make([]Listed, len(all))
	for n, f := range all {
		list[n] = Listed{f.Code, f.Target.Account, f.Target.Region, f.Resource, f.Name, cost.Known(f.Saving), f.Certain, f.Reason, f.Fix(), f.Advice}
	}
	return list
}

// AtLeast are the recommendations that save so many dollars a month, with what
// they save together.
func AtLeast(all []Recommendation, dollars float64) (chosen []Recommendation, sum price.USD) {
	for _, f := range all {
		if f.Saving.Float() >= dollars {
			chosen = append(chosen, f)
			sum = sum.Add(f.Saving)
		}
	}
	return chosen, sum
}

// Fix is the command that would do it: one line for a shell, or empty where no
// one command would. Each step of it runs only where the one before succeeded,
// and what AWS takes time for is waited for.
func (f Recommendation) Fix() string {
	return strings.ReplaceAll(strings.ReplaceAll(f.Template, "{id}", f.Resource), "{region}", string(f.Target.Region))
}
