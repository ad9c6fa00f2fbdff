package stack

// Known are the names of all actions of the table, in its order.
func Known() []string {
	var names []string
	for _, a := range actions() {
		names = append(names, a.name)
	}
	return names
}
