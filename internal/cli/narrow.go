package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// narrowing are the flags that narrow a run to some machines.
type narrowing struct {
	tags, kinds []string
	rule        string
}

// addTo gives a command the flags, and lets it take ids and names. The commands
// stop and start have a flag --tag of their own.
func (n *narrowing) addTo(cmd *cobra.Command, tag bool) {
	cmd.Use += " [MACHINE...]"
	cmd.Long += `

Ids, names, --tag, --rule and --kind narrow the run to some machines; all of them
have to match. An id counts before a name. What no machine has is an error, and
nothing is done.`
	cmd.Args = cobra.ArbitraryArgs
	flags := cmd.Flags()
	if tag {
		flags.StringArrayVar(&n.tags, "tag", nil, "only machines with this tag, as Key=Value or Key; repeat for those that carry all of several")
	}
	flags.StringVar(&n.rule, "rule", "", "only machines for which this rule decides: its number in the configuration, from 1")
	flags.StringArrayVar(&n.kinds, "kind", nil, "only machines of this kind; repeat for several")
	var kinds []string
	for _, k := range power.Kinds() {
		kinds = append(kinds, string(k))
	}
	complete(cmd, "kind", kinds...)
}

// selection is what the flags and the arguments choose.
func (n *narrowing) selection(args []string) (power.Selection, error) {
	sel := power.Selection{Machines: args}
	var err error
	if sel.Tags, err = fleet.ParseTags(n.tags); err != nil {
		return sel, err
	}
	for _, k := range n.kinds {
		sel.Kinds = append(sel.Kinds, fleet.Kind(k))
	}
	if n.rule != "" {
		if sel.Rule, err = strconv.Atoi(n.rule); err != nil || sel.Rule < 1 {
			return sel, fleet.Errorf(fleet.ErrInvalid, "--rule %q: give the number of a rule in the configuration, from 1; `nightshift power explain` prints it", n.rule)
		}
	}
	return sel, nil
}
