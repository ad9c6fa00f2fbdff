package deploy

// What tests of the core look at.
var (
	MakeDiff    = makeDiff
	FileChanges = fileChanges
	RetainedIn  = retainedIn
	First       = first
	Made        = Deployment.made
)
