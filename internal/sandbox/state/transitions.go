package state

import (
	"math/rand/v2"
	"time"

	"nightshift/internal/sandbox/random"
)

// InstanceState is an instance's state; its number is the code in answers.
type InstanceState int

// The states of an instance.
const (
	Pending      InstanceState = 0
	Running      InstanceState = 16
	ShuttingDown InstanceState = 32
	Terminated   InstanceState = 48
	Stopping     InstanceState = 64
	Stopped      InstanceState = 80
)

// String is the name of the state in the words of EC2.
func (s InstanceState) String() string {
	switch s {
	case Pending:
		return "pending"
	case Running:
		return "running"
	case ShuttingDown:
		return "shutting-down"
	case Terminated:
		return "terminated"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}

// Condition is what a change of state changes.
type Condition struct {
	State      InstanceState
	LaunchTime time.Time // LaunchTime
	Transition string    // StateTransitionReason
	Reason     string    // StateReason's code
	Message    string    // StateReason's message
	past
}

// goneAfter is how long a terminated instance is still described.
const goneAfter = time.Hour

// Settle brings an instance to the state that it has reached by now.
func (i *Instance) Settle(now time.Time) {
	if i.Until.IsZero() || now.Before(i.Until) {
		return
	}
	at := i.Until
	i.Until = time.Time{}
	switch i.State {
	case Pending:
		if i.FailsWith != "" {
			i.State = Stopped
			i.Transition = i.FailsWith
			i.Reason, i.Message = i.FailsWith, i.FailsWith+": "+failureText(i.FailsWith)
			i.FailsWith = ""
			i.Spot.stopped(at)
			return
		}
		i.State, i.ChecksBegan = Running, at
		i.Reason, i.Message = "", ""
	case Stopping:
		i.State = Stopped
	case ShuttingDown:
		i.State = Terminated
		i.Until = at.Add(goneAfter)
		i.Settle(now)
	case Terminated:
		i.Gone = true
	default: // running and stopped last until a call
	}
}

func failureText(code string) string {
	switch code {
	case "Server.InsufficientInstanceCapacity":
		return "There was insufficient capacity available to satisfy the launch request."
	case "Client.InternalError":
		return "Client error on launch"
	case "Client.InvalidKMSKey.InvalidState":
		return "The KMS key provided is in an incorrect state"
	}
	return "Internal error on launch"
}

// Start sends a stopped instance on its way to running.
func (i *Instance) Start(now time.Time, takes time.Duration) {
	i.remember(now)
	i.State = Pending
	i.LaunchTime = now.Truncate(time.Second)
	i.Transition, i.Reason, i.Message = "", "", ""
	i.starts++
	i.Until = now.Add(takes)
	i.Spot.started(now)
}

// Stop sends a running instance on its way to stopped.
func (i *Instance) Stop(now time.Time, takes time.Duration, hibernate bool) {
	i.remember(now)
	i.ended(now)
	i.State = Stopping
	i.Transition = "User initiated (" + gmt(now) + ")"
	i.Reason, i.Message = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	if hibernate {
		i.Reason, i.Message = "Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate"
	}
	i.Until = now.Add(takes)
	i.Spot.stopped(now)
}

// Terminate sends an instance on its way out.
func (i *Instance) Terminate(now time.Time, takes time.Duration) {
	i.remember(now)
	i.ended(now)
	i.State = ShuttingDown
	i.Transition = "User initiated (" + gmt(now) + ")"
	i.Reason, i.Message = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	i.Until = now.Add(takes)
	i.Spot.closed(now)
}

// remember keeps the condition that a stale answer would still show.
func (i *Instance) remember(now time.Time) {
	i.Before, i.Changed = i.Condition, now
}

// gmt writes an instant as StateTransitionReason does.
func gmt(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " GMT" }

// StartTakes is how long a start needs: 20 to 40 seconds, twice that for Windows.
func (i *Instance) StartTakes(rng *rand.Rand) time.Duration {
	return i.System.slower(random.Between(rng, 20*time.Second, 40*time.Second))
}

// StopTakes is how long a stop needs: 30 to 60 seconds, twice that for Windows.
func (i *Instance) StopTakes(rng *rand.Rand) time.Duration {
	return i.System.slower(random.Between(rng, 30*time.Second, 60*time.Second))
}
