package sandbox

import "nightshift/internal/sandbox/state"

// The management account, and the region in which most of its resources are.
const (
	AccountID     = state.AccountID
	DefaultRegion = state.DefaultRegion
)

// The images that RunInstances knows. Any other image id counts as Amazon Linux.
const (
	ImageLinux         = state.ImageLinux
	ImageWindows       = state.ImageWindows
	ImageWindowsSQLStd = state.ImageWindowsSQLStd
	ImageWindowsSQLEnt = state.ImageWindowsSQLEnt
	ImageWindowsBYOL   = state.ImageWindowsBYOL
	ImageRHEL          = state.ImageRHEL
	ImageSUSE          = state.ImageSUSE
	ImageUbuntuPro     = state.ImageUbuntuPro
)

type (
	// Instance is an instance of an account as it is now.
	Instance = state.InstanceDescription
	// Role is an IAM role of an account.
	Role = state.Role
	// Span is the time from From to To, To excluded.
	Span = state.Span
)
