package cli

import "context"

// RaceDetector is for the tests outside the package.
const RaceDetector = raceDetector

// RunUntil runs a command that goes on until the context ends.
func RunUntil(ctx context.Context, args []string, sys System) error {
	a := &commandLine{System: sys}
	root := a.root()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}
