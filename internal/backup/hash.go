package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// hashOf names what a plan deletes, in the form that HashTime reads.
func hashOf(plan *Plan, settings Settings) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", plan.Target.Account, plan.Target.Region)
	for _, p := range settings.Policies {
		fmt.Fprintf(h, "%s\n", p.text())
	}
	none := true
	for n := range plan.Deletes {
		v := &plan.Deletes[n]
		if v.Keep {
			continue
		}
		none = false
		for m := range v.Set.Members {
			fmt.Fprintf(h, "%s %s ", v.Set.Members[m].ID, v.Set.ID)
			_, _ = io.WriteString(h, strings.Join(v.Rules, "; "))
			fmt.Fprintf(h, " %t %t\n", v.Changed, v.Orphan)
		}
	}
	if none {
		return ""
	}
	return plan.At.UTC().Format(slotForm) + "-" + hex.EncodeToString(h.Sum(nil))[:24]
}

// HashTime is the time of the plan that a hash names; ok is false for what is no hash of a
// plan.
func HashTime(hash string) (at time.Time, ok bool) {
	text, sum, _ := strings.Cut(hash, "-")
	at, err := time.Parse(slotForm, text)
	return at, err == nil && len(sum) == 24 && strings.Trim(sum, "0123456789abcdef") == ""
}

// text is all that a policy says, in one line.
func (p Policy) text() string {
	return fmt.Sprintf("%s %s %q %s %t %s %s %s %q %t %t %s %t", p.ID, p.Resource, p.Tags, p.When, p.AfterStop, p.zone(), p.Keep,
		p.RPO, p.Exclude, p.IncludeManaged, p.SkipUnchanged, p.AfterSourceDeleted, p.Err != nil)
}
