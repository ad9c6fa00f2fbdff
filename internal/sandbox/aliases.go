package sandbox

import (
	"nightshift/internal/sandbox/autoscaling"
	"nightshift/internal/sandbox/backup"
	"nightshift/internal/sandbox/kms"
	"nightshift/internal/sandbox/rds"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/sns"
	"nightshift/internal/sandbox/ssm"
	"nightshift/internal/sandbox/state"
)

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

// The kinds of faults. The first group strikes calls, the second instances.
const (
	Throttle = service.Throttle // RequestLimitExceeded or its like
	Broken   = service.Broken   // an internal error, HTTP 500
	Cut      = service.Cut      // the connection is cut before anything is done
	NoAnswer = service.NoAnswer // it is done, but the connection is cut before the answer
	Deny     = service.Deny     // UnauthorizedOperation or AccessDenied
	Expired  = service.Expired  // expired credentials
	Delay    = service.Delay    // the answer comes For later, in real time

	Refuse    = service.Refuse    // a batch that names such an instance is refused with Code
	Stale     = service.Stale     // Describe calls show the state before a change for For; of a change itself, all of them do
	Slow      = service.Slow      // stopping or starting takes For, or a snapshot
	FailStart = service.FailStart // the instance starts and falls back to stopped with Code as its StateReason
	Impair    = service.Impair    // the instance fails its status checks, as DescribeInstanceStatus reports

	Fail = service.Fail // what the call begins fails later: a snapshot ends in state "error"
)

type (
	// Fault is something that goes wrong on purpose. A zero field does not
	// restrict.
	Fault = service.Fault
	// Kind is what goes wrong.
	Kind = service.Kind
	// Instance is an instance of an account as it is now.
	Instance = state.InstanceDescription
	// Role is an IAM role of an account.
	Role = state.Role
	// Span is the time from From to To, To excluded.
	Span = state.Span
	// Parameter is a parameter of Systems Manager Parameter Store.
	Parameter = ssm.Parameter
	// Notification is a message that was published to a topic of SNS.
	Notification = sns.Notification
	// Group describes an Auto Scaling group to add to an account.
	Group = autoscaling.Group
	// GroupState is an Auto Scaling group as it is now.
	GroupState = autoscaling.GroupState
	// Snapshot is a snapshot of an account.
	Snapshot = state.Snapshot
	// Image is an AMI of an account.
	Image = state.Image
	// ImageDisk is a volume of an AMI.
	ImageDisk = state.ImageDisk
	// LaunchTemplate is a launch template with its versions.
	LaunchTemplate = state.LaunchTemplate
	// TemplateVersion is a version of a launch template.
	TemplateVersion = state.TemplateVersion
	// Tag is a tag.
	Tag = state.Tag
	// Tags are those of a resource.
	Tags = state.Tags
	// Key is what becomes of a key of KMS.
	Key = kms.Key
	// BinRule is a retention rule of the Recycle Bin for snapshots.
	BinRule = state.BinRule
	// RecoveryPoint is a copy that AWS Backup keeps of a resource.
	RecoveryPoint = backup.RecoveryPoint
	// Database is an RDS DB instance or, with Cluster, a DB cluster.
	Database = rds.Database
)
