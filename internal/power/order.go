package power

import (
	"context"
	"fmt"
	"slices"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// order knows which steps wait for which: a start for the machines that its
// rule names to be ready, a stop of those for the stops of the machines that
// come after them.
type order struct {
	steps []Step
	// before are the steps whose machines carry a tag that others come after,
	// after the steps that come after it.
	before, after map[fleet.Tag][]int
	// state and ready are what was seen last of each step's machine.
	state []fleet.State
	ready []bool
}

func newOrder(steps []Step) *order {
	o := &order{
		steps: steps, before: map[fleet.Tag][]int{}, after: map[fleet.Tag][]int{},
		state: make([]fleet.State, len(steps)), ready: make([]bool, len(steps)),
	}
	for n, s := range steps {
		o.state[n], o.ready[n] = s.Machine.State, s.Machine.Ready
		if s.After.Key != "" {
			o.after[s.After] = append(o.after[s.After], n)
		}
	}
	for tag := range o.after {
		for n, s := range steps {
			if tag.On(s.Machine.Tags) {
				o.before[tag] = append(o.before[tag], n)
			}
		}
	}
	return o
}

// refuseCircles makes the steps invalid that wait for each other: they would
// wait forever. The configuration can be without a circle, and machines that
// carry several of its tags close one.
func refuseCircles(steps []Step) {
	o := newOrder(steps)
	for tag, after := range o.after {
		if !o.reaches(tag, tag, map[fleet.Tag]bool{}) {
			continue
		}
		for _, n := range after {
			if steps[n].Do() {
				steps[n].Action, steps[n].Settling, steps[n].Invalid = None, false, true
				steps[n].Reason = fleet.Reason{Code: "circular", Text: fmt.Sprintf(
					"comes after the machines with the tag %s, and some of these come after it: neither can be first", tag,
				)}
			}
		}
	}
}

// reaches reports whether machines with the tag from wait, directly or not, for
// machines with the tag to.
func (o *order) reaches(from, to fleet.Tag, seen map[fleet.Tag]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, n := range o.before[from] {
		next := o.steps[n].After
		if next.Key == "" || len(o.before[next]) == 1 && o.before[next][0] == n {
			continue // it waits for nobody, or for itself alone, which it does not
		}
		if next == to || o.reaches(next, to, seen) {
			return true
		}
	}
	return false
}

// reached notes the state that a step's machine was seen in.
func (o *order) reached(n int, state fleet.State) {
	if state == "" {
		return
	}
	o.state[n] = state
	o.ready[n] = o.ready[n] && state == fleet.Running
}

// split separates the steps that may be carried out from those that wait.
func (o *order) split(steps []Step) (free, blocked []Step) {
	if len(o.after) == 0 {
		return steps, nil
	}
	open := o.open()
	for _, s := range steps {
		if _, waits := o.waitsFor(s, open); waits {
			blocked = append(blocked, s)
		} else {
			free = append(free, s)
		}
	}
	return free, blocked
}

// open finds for every tag the steps that hold up starts and stops.
func (o *order) open() map[fleet.Tag]map[Action]int {
	open := map[fleet.Tag]map[Action]int{}
	for tag := range o.after {
		open[tag] = map[Action]int{Start: o.waitsToStart(tag), Stop: o.waitsToStop(tag)}
	}
	return open
}

// waitsFor names a step that this one waits for.
func (o *order) waitsFor(s Step, open map[fleet.Tag]map[Action]int) (int, bool) {
	if s.Action == Start && s.After.Key != "" {
		n := open[s.After][Start]
		return n, n >= 0 && o.steps[n].Machine.ID != s.Machine.ID
	}
	if s.Action == Stop {
		for tag := range o.after {
			if n := open[tag][Stop]; n >= 0 && tag.On(s.Machine.Tags) && o.steps[n].Machine.ID != s.Machine.ID {
				return n, true
			}
		}
	}
	return -1, false
}

// waitsToStart is a step with the tag that is to run and is not ready
// yet, or -1. A terminated machine is shown for a while and will never be.
func (o *order) waitsToStart(tag fleet.Tag) int {
	for _, n := range o.before[tag] {
		if o.state[n] == fleet.Terminated || o.state[n] == fleet.ShuttingDown {
			continue
		}
		if o.steps[n].Desired.State == schedule.Running && (o.state[n] != fleet.Running || !o.ready[n]) {
			return n
		}
	}
	return -1
}

// waitsToStop is a step after the tag that is being stopped and has not
// stopped yet, or -1. One that is left running on purpose holds nothing up.
func (o *order) waitsToStop(tag fleet.Tag) int {
	for _, n := range o.after[tag] {
		s := o.steps[n]
		stopping := s.Action == Stop || s.Desired.State == schedule.Stopped && s.Machine.State == fleet.Stopping
		if stopping && (o.state[n] == fleet.Running || o.state[n] == fleet.Stopping || o.state[n] == fleet.Pending) {
			return n
		}
	}
	return -1
}

// unblock waits until some of the blocked steps may be carried out, or there is
// no time left.
func (r *run) unblock(parent context.Context, blocked []Step) (free, still []Step) {
	if r.opts.Wait > 0 {
		r.wait(parent)
	}
	ctx, cancel := context.WithTimeout(parent, r.opts.Wait)
	defer cancel()
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		r.look(parent)
		if free, still = r.order.split(blocked); len(free) > 0 || r.opts.Wait <= 0 || !sleep(ctx, r.opts.Closing, pause) {
			return free, still
		}
	}
}

// look reads the machines again that others wait for.
func (r *run) look(ctx context.Context) {
	var watched []Step
	seen := map[int]bool{}
	for tag := range r.order.after {
		for _, list := range [][]int{r.order.before[tag], r.order.after[tag]} {
			for _, n := range list {
				if !seen[n] {
					seen[n] = true
					watched = append(watched, r.order.steps[n])
				}
			}
		}
	}
	for _, part := range sameKind(watched) {
		states, err := r.states(ctx, part, fleet.Selector{Readiness: true, Brief: true})
		if err != nil {
			continue // what is not seen is not ready
		}
		for id, m := range states {
			if n, known := r.step[machineKey{part[0].Machine.Kind, id}]; known {
				r.order.state[n], r.order.ready[n] = m.State, m.Ready
			}
		}
	}
}

// deferUnordered settles the starts that come after machines that were not
// seen, while not all machines could be read: they may be there and not ready.
// It returns the other steps.
func (r *run) deferUnordered(steps []Step) []Step {
	if len(r.plan.Unread) == 0 {
		return steps
	}
	var free []Step
	for _, s := range steps {
		if s.Action != Start || s.After.Key == "" || len(r.order.before[s.After]) > 0 {
			free = append(free, s)
			continue
		}
		r.settle(s, fleet.Deferred, fleet.Reason{Code: "waits", Text: fmt.Sprintf(
			"waits: no machine with the tag %s was seen, and the %ss could not all be read", s.After, kindInWords(r.plan.Unread[0]),
		)}, s.Machine.State)
	}
	return free
}

// deferUnselected settles the steps that wait for a machine that is not selected
// and is not on its way: nothing will bring it there in this run. It returns
// the other steps.
func (r *run) deferUnselected(blocked []Step) []Step {
	if len(r.plan.Others) == 0 {
		return blocked
	}
	open := r.order.open()
	return slices.DeleteFunc(blocked, func(s Step) bool {
		n, waits := r.order.waitsFor(s, open)
		if !waits || n < len(r.plan.Steps) {
			return false
		}
		state, m := "ready", r.order.steps[n].Machine
		onItsWay := r.order.state[n] == fleet.Pending || r.order.state[n] == fleet.Running
		if s.Action == Stop {
			state, onItsWay = "stopped", r.order.state[n] == fleet.Stopping
		}
		if !onItsWay {
			r.settle(s, fleet.Deferred, fleet.Reason{Code: "waits", Text: fmt.Sprintf(
				"waits until %s (%s) is %s, which is not selected", m.ID, m.Name(), state,
			)}, s.Machine.State)
		}
		return !onItsWay
	})
}

// deferBlocked settles what still waits when the time is over.
func (r *run) deferBlocked(blocked []Step) {
	open := r.order.open()
	for _, s := range blocked {
		reason := notTried()
		result := fleet.Deferred
		if n, waits := r.order.waitsFor(s, open); waits {
			m := r.order.steps[n].Machine
			state := "ready"
			if s.Action == Stop {
				state = "stopped"
			}
			reason = fleet.Reason{Code: "waits", Text: fmt.Sprintf("waits until %s (%s) is %s", m.ID, m.Name(), state)}
			if !r.order.steps[n].Do() && r.order.state[n] != fleet.Pending && r.order.state[n] != fleet.Running {
				result = fleet.Skipped // nobody is going to start that one
			}
		}
		r.settle(s, result, reason, s.Machine.State)
	}
}
