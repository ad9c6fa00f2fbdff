// Package stack holds what an AWS account needs before nightshift can run in
// it: the IAM policy that its work needs and the CloudFormation template that
// installs the function, its schedules, its roles and the bucket for reports.
//
// Both are made from the operations that nightshift really captures, so that a
// permission is neither forgotten nor left over: an operation that this package
// has no scope for is an error until somebody decides on one.
package stack
