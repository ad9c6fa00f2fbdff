package deploy_test

import (
	"errors"
	"testing"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

// TestStepOf holds what is done in every state that CloudFormation has for a stack.
func TestStepOf(t *testing.T) {
	for status, want := range map[deploy.Status]deploy.Step{
		"":                                    deploy.StepCreate,
		"DELETE_COMPLETE":                     deploy.StepCreate,
		"REVIEW_IN_PROGRESS":                  deploy.StepReview,
		"CREATE_COMPLETE":                     deploy.StepUpdate,
		"UPDATE_COMPLETE":                     deploy.StepUpdate,
		"UPDATE_ROLLBACK_COMPLETE":            deploy.StepUpdate,
		"IMPORT_COMPLETE":                     deploy.StepUpdate,
		"IMPORT_ROLLBACK_COMPLETE":            deploy.StepUpdate,
		"CREATE_IN_PROGRESS":                  deploy.StepWait,
		"ROLLBACK_IN_PROGRESS":                deploy.StepWait,
		"DELETE_IN_PROGRESS":                  deploy.StepWait,
		"UPDATE_IN_PROGRESS":                  deploy.StepWait,
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": deploy.StepWait,
		"UPDATE_ROLLBACK_IN_PROGRESS":         deploy.StepWait,
		"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": deploy.StepWait,
		"IMPORT_IN_PROGRESS":                           deploy.StepWait,
		"IMPORT_ROLLBACK_IN_PROGRESS":                  deploy.StepWait,
		"ROLLBACK_COMPLETE":                            deploy.StepRecreate,
		"ROLLBACK_FAILED":                              deploy.StepRecreate,
		"CREATE_FAILED":                                deploy.StepRecreate,
		"DELETE_FAILED":                                deploy.StepRecreate,
		"UPDATE_ROLLBACK_FAILED":                       deploy.StepRepair,
		"UPDATE_FAILED":                                deploy.StepRepair,
		"IMPORT_ROLLBACK_FAILED":                       deploy.StepRepair,
	} {
		got, err := deploy.StepOf(status)
		if err != nil || got != want {
			t.Errorf("%s: got %s and %v, want %s", status, got, err, want)
		}
		if settled := status.Settled(); settled == (want == deploy.StepWait) {
			t.Errorf("%s: settled is %t", status, settled)
		}
	}
	if _, err := deploy.StepOf("PAUSED"); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("an unknown state: %v", err)
	}
}
