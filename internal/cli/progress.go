package cli

import (
	"fmt"
	"sync"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// progress keeps one line on a terminal up to date while a command works. Where
// there is no terminal, or the output is for programs, it is silent.
type progress struct {
	app  *app
	what string

	mu          sync.Mutex
	total, done int
}

func (a *app) progress(what string) *progress {
	p := &progress{app: a, what: what}
	p.show("reading")
	return p
}

// planned counts the instances on which the command will act.
func (p *progress) planned(plan power.Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += plan.Actionable()
	p.show(fmt.Sprintf("%d of %d instances", p.done, p.total))
}

// settled counts those whose outcome is known. One that was left out by the
// plan has not been counted before.
func (p *progress) settled(o fleet.Outcome) {
	if o.Result == fleet.Skipped {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.show(fmt.Sprintf("%d of %d instances", p.done, p.total))
}

// end wipes the line.
func (p *progress) end() {
	if p.visible() {
		fmt.Fprint(p.app.Stderr, "\r\033[K")
	}
}

func (p *progress) show(text string) {
	if p.visible() {
		fmt.Fprintf(p.app.Stderr, "\r\033[K%s: %s …", p.what, text)
	}
}

func (p *progress) visible() bool {
	return p.app.Terminal && !p.app.quiet && !p.app.json && !p.app.verbose
}
