package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// progress keeps one line on a terminal up to date while a command works. Where
// there is no terminal, or the output is for programs, it is silent but for what is
// waited for.
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
func (p *progress) doing(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(what)
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

// StackBusy prints a line, also where there is no terminal: nothing else says for
// what a deployment waits, and for as long as it takes.
func (p *progress) StackBusy(_ app.Run, s deploy.Stack, waited time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command.quiet {
		return
	}
	line := fmt.Sprintf("the stack %s is %s: waiting until that has ended", s.Name, s.Status)
	if waited > 0 {
		line += fmt.Sprintf(", for %d min already", int(waited.Minutes()))
	}
	p.wipe()
	fmt.Fprintln(p.command.Stderr, "nightshift:", text.Printable(line))
}

// end wipes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.what = ""
}

func (p *progress) wipe() {
	if p.visible() {
		fmt.Fprint(p.command.Stderr, "\r\033[K")
	}
}

func (p *progress) show(doing string) {
	if p.visible() {
		fmt.Fprintf(p.command.Stderr, "\r\033[K%s: %s …", p.what, doing)
	}
}

func (p *progress) visible() bool {
	return p.what != "" && p.command.Terminal && !p.command.quiet && !p.command.json && !p.command.verbose
}
