package sandbox

import (
	"math/rand/v2"
	"time"
)

// state is an instance's state; its number is the code in answers.
type state int

const (
	pending      state = 0
	running      state = 16
	shuttingDown state = 32
	terminated   state = 48
	stopping     state = 64
	stopped      state = 80
)

func (s state) String() string {
	switch s {
	case pending:
		return "pending"
	case running:
		return "running"
	case shuttingDown:
		return "shutting-down"
	case terminated:
		return "terminated"
	case stopping:
		return "stopping"
	case stopped:
		return "stopped"
	}
	return "unknown"
}

// condition is what a change of state changes.
type condition struct {
	state      state
	launch     time.Time // LaunchTime
	transition string    // StateTransitionReason
	reason     string    // StateReason's code
	message    string    // StateReason's message
	past
}

// goneAfter is how long a terminated instance is still described.
const goneAfter = time.Hour

// settle brings an instance to the state that it has reached by now.
func (i *instance) settle(now time.Time) {
	if i.until.IsZero() || now.Before(i.until) {
		return
	}
	at := i.until
	i.until = time.Time{}
	switch i.state {
	case pending:
		if i.failsWith != "" {
			i.state = stopped
			i.transition = i.failsWith
			i.reason, i.message = i.failsWith, i.failsWith+": "+failureText(i.failsWith)
			i.failsWith = ""
			i.spot.stopped(at)
			return
		}
		i.state, i.checked = running, at
		i.reason, i.message = "", ""
	case stopping:
		i.state = stopped
	case shuttingDown:
		i.state = terminated
		i.until = at.Add(goneAfter)
		i.settle(now)
	case terminated:
		i.gone = true
	default: // running and stopped last until a call
	}
}

func failureText(code string) string {
	switch code {
	case "Server.InsufficientInstanceCapacity":
		return "There was insufficient capacity available to satisfy the launch request."
	case "Client.InvalidKMSKey.InvalidState":
		return "The KMS key provided is in an incorrect state"
	}
	return "Internal error on launch"
}

// start sends a stopped instance on its way to running.
func (i *instance) start(now time.Time, takes time.Duration) {
	i.remember(now)
	i.state = pending
	i.launch = now.Truncate(time.Second)
	i.transition, i.reason, i.message = "", "", ""
	i.starts++
	i.until = now.Add(takes)
	i.spot.started(now)
}

// stop sends a running instance on its way to stopped.
func (i *instance) stop(now time.Time, takes time.Duration, hibernate bool) {
	i.remember(now)
	i.ended(now)
	i.state = stopping
	i.transition = "User initiated (" + gmt(now) + ")"
	i.reason, i.message = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	if hibernate {
		i.reason, i.message = "Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate"
	}
	i.until = now.Add(takes)
	i.spot.stopped(now)
}

// terminate sends an instance on its way out.
func (i *instance) terminate(now time.Time, takes time.Duration) {
	i.remember(now)
	i.ended(now)
	i.state = shuttingDown
	i.transition = "User initiated (" + gmt(now) + ")"
	i.reason, i.message = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	i.until = now.Add(takes)
	i.spot.closed(now)
}

// remember keeps the condition that a stale answer would still show.
func (i *instance) remember(now time.Time) {
	i.before, i.changed = i.condition, now
}

// gmt writes an instant as StateTransitionReason does.
func gmt(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " GMT" }

// startTakes and stopTakes are how long an instance needs: 20 to 40 and 30 to
// 60 seconds, twice that for Windows.
func (i *instance) startTakes(rng *rand.Rand) time.Duration {
	return i.system.slower(between(rng, 20*time.Second, 40*time.Second))
}

func (i *instance) stopTakes(rng *rand.Rand) time.Duration {
	return i.system.slower(between(rng, 30*time.Second, 60*time.Second))
}
