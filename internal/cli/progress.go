package cli

import (
	"fmt"
	"strings"
	"sync"

	"nightshift/internal/app"
	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// progress keeps one line on a terminal up to date while a command works. Where
// there is no terminal, or the output is for programs, it is silent.
type progress struct {
	app.NopObserver
	command *commandLine

	mu          sync.Mutex
	what        string // empty while nothing is shown
	total, done int
}

// start shows that a command works, until end.
func (p *progress) start(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.total, p.done = what, 0, 0
	p.show("reading")
}

// doing says what the command is at.
func (p *progress) doing(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(text)
}

// Planned counts the machines on which the command will act.
func (p *progress) Planned(_ app.Run, plan power.Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += plan.Actionable()
	p.show(fmt.Sprintf("%d of %d machines", p.done, p.total))
}

// Acted counts those whose outcome is known. One that was left out by the plan has
// not been counted before.
func (p *progress) Acted(_ app.Run, o fleet.Outcome) {
	if o.Result == fleet.Skipped {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.show(fmt.Sprintf("%d of %d machines", p.done, p.total))
}

// StackChanged shows the resource that a stack is at.
func (p *progress) StackChanged(_ app.Run, e deploy.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(e.Logical + " " + strings.ToLower(strings.ReplaceAll(string(e.Status), "_", " ")))
}

// end wipes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visible() {
		fmt.Fprint(p.command.Stderr, "\r\033[K")
	}
	p.what = ""
}

func (p *progress) show(text string) {
	if p.visible() {
		fmt.Fprintf(p.command.Stderr, "\r\033[K%s: %s …", p.what, text)
	}
}

func (p *progress) visible() bool {
	return p.what != "" && p.command.Terminal && !p.command.quiet && !p.command.json && !p.command.verbose
}
