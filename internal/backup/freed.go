package backup

// free says what the deletions of a plan give back.
func (p *planner) free(plan *Plan) {}
