package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// The exit codes of the process. 2 is left to Go's own crashes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitPartly      = 3
	exitDenied      = 4
	exitUsage       = 5
	exitChanges     = 6
	exitInterrupted = 130
)

// errMistakes ends a command that left alone what the configuration has wrong,
// and did the rest.
var errMistakes = errors.New("mistakes in the configuration")

// statusError is how a job ended, with what went wrong.
type statusError struct {
	status fleet.Status
	error
}

// Unwrap gives what went wrong.
func (e *statusError) Unwrap() error { return e.error }

// ended ends a command whose result is printed already: the status of the job is
// the command's, err is what people are told.
func ended(status fleet.Status, err error) error {
	if status == fleet.StatusDone && err == nil {
		return nil
	}
	if err == nil {
		err = errors.New("")
	}
	return &statusError{status, err}
}

// causes are what went wrong with targets.
func causes(list []app.TargetError) []error {
	var errs []error
	for _, e := range list {
		errs = append(errs, e.Err)
	}
	return errs
}

// exitCodeOf is the exit code of a status.
func exitCodeOf(s fleet.Status) int {
	switch s {
	case fleet.StatusDone:
		return exitDone
	case fleet.StatusPartial:
		return exitPartly
	case fleet.StatusDenied:
		return exitDenied
	case fleet.StatusInvalid:
		return exitUsage
	default:
		return exitFailed
	}
}

// exitCode is the one place where an error becomes a code.
func exitCode(err error) int {
	status, ok := errors.AsType[*statusError](err)
	switch {
	case ok:
		return exitCodeOf(status.status)
	case err == nil:
		return exitDone
	case errors.Is(err, errChanges):
		return exitChanges
	case errors.Is(err, errMistakes):
		return exitUsage
	case errors.Is(err, fleet.ErrCredentials), errors.Is(err, fleet.ErrDenied):
		return exitDenied
	case errors.Is(err, fleet.ErrInvalid), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	default:
		return exitFailed
	}
}

// complain prints an error to people: a sentence for each cause, and what to
// do about the last.
func (a *commandLine) complain(err error) {
	if err == nil || errors.Is(err, errChanges) {
		return
	}
	told := map[string]bool{}
	for line := range strings.Lines(err.Error()) {
		if told[line] && line == strings.TrimLeft(line, " ") {
			continue // two requests met the same
		}
		told[line] = true
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
		case trimmed != strings.TrimRight(line, "\r\n"): // set in, as the line that a mistake is in and the caret below it
			fmt.Fprintln(a.Stderr, text.PrintableLines(strings.TrimRight(line, " \r\n")))
		default:
			fmt.Fprintln(a.Stderr, "nightshift:", text.Printable(trimmed))
		}
	}
	var denied []string
	credentials := false
	for _, refusal := range fleet.Refusals(err) {
		switch {
		case errors.Is(refusal, fleet.ErrDenied) && !slices.Contains(denied, refusal.Action):
			denied = append(denied, refusal.Action)
		case errors.Is(refusal, fleet.ErrCredentials):
			credentials = true
		}
	}
	if len(denied) > 0 {
		fmt.Fprintf(a.Stderr, "nightshift: allow %s to the role; `nightshift policy` prints all that is needed\n", strings.Join(denied, ", "))
	}
	if credentials {
		fmt.Fprintln(a.Stderr, "nightshift: AWS does not accept the credentials, or the region is not enabled; `aws sts get-caller-identity` shows who you are")
	}
}
