package deploy_test

import (
	"testing"

	"nightshift/internal/deploy"
)

// TestEmptyStackOfOthers says which empty stack goes with a plan that is discarded.
func TestEmptyStackOfOthers(t *testing.T) {
	empty := deploy.Stack{ID: "arn:1", Name: "nightshift", Status: deploy.ReviewInProgress}
	tagged, described := empty, empty
	tagged.Tags = map[string]string{deploy.TagStack: "nightshift"}
	described.Description = "nightshift: stops and starts machines as their schedules say."
	for name, tt := range map[string]struct {
		plan  deploy.Deployment
		stack deploy.Stack
		want  bool
	}{
		"there was none":                 {deploy.Deployment{Step: deploy.StepCreate, StackID: "arn:1"}, empty, true},
		"none, and the answer was lost":  {deploy.Deployment{Step: deploy.StepCreate}, empty, true},
		"made again by somebody else":    {deploy.Deployment{Step: deploy.StepCreate, StackID: "arn:0"}, empty, false},
		"it was there before":            {deploy.Deployment{Step: deploy.StepReview, StackID: "arn:1"}, empty, false},
		"it was there, with our tag":     {deploy.Deployment{Step: deploy.StepReview, StackID: "arn:1"}, tagged, true},
		"it was there, and describes us": {deploy.Deployment{Step: deploy.StepReview, StackID: "arn:1"}, described, true},
		"another one, with our tag":      {deploy.Deployment{Step: deploy.StepCreate, StackID: "arn:0"}, tagged, true},
	} {
		if got := deploy.Made(tt.plan, tt.stack); got != tt.want {
			t.Errorf("%s: removed is %v, want %v", name, got, tt.want)
		}
	}
}
