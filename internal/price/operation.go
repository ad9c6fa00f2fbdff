package price

import "strings"

// Operation is a UsageOperation with the platform details that AWS shows for
// it.
type Operation struct {
	Code     string // "RunInstances:0002"
	Platform string // "Windows"
}

// Operations lists the operations of EC2 instances that AWS documents (EC2
// User Guide, "AMI billing information fields").
func Operations() []Operation {
	return []Operation{
		{"RunInstances", "Linux/UNIX"},
		{"RunInstances:00g0", "Red Hat BYOL Linux"},
		{"RunInstances:0010", "Red Hat Enterprise Linux"},
		{"RunInstances:1010", "Red Hat Enterprise Linux with HA"},
		{"RunInstances:1014", "Red Hat Enterprise Linux with SQL Server Standard and HA"},
		{"RunInstances:1110", "Red Hat Enterprise Linux with SQL Server Enterprise and HA"},
		{"RunInstances:0014", "Red Hat Enterprise Linux with SQL Server Standard"},
		{"RunInstances:0210", "Red Hat Enterprise Linux with SQL Server Web"},
		{"RunInstances:0110", "Red Hat Enterprise Linux with SQL Server Enterprise"},
		{"RunInstances:0100", "SQL Server Enterprise"},
		{"RunInstances:0004", "SQL Server Standard"},
		{"RunInstances:0200", "SQL Server Web"},
		{"RunInstances:000g", "SUSE Linux"},
		{"RunInstances:0g00", "Ubuntu Pro"},
		{"RunInstances:0002", "Windows"},
		{"RunInstances:0800", "Windows BYOL"},
		{"RunInstances:0102", "Windows with SQL Server Enterprise"},
		{"RunInstances:0006", "Windows with SQL Server Standard"},
		{"RunInstances:0202", "Windows with SQL Server Web"},
	}
}

const (
	linux   = "RunInstances"
	windows = "RunInstances:0002"
)

// Platform is what AWS calls the platform of an operation, or the operation
// itself where it is not a documented one.
func Platform(operation string) string {
	for _, known := range Operations() {
		if known.Code == operation {
			return known.Platform
		}
	}
	return operation
}

// operationOfPlatform finds the operation of platform details. Those of capacity
// reservations are spelled otherwise: "RHEL with HA and SQL Server Standard",
// "Linux with SQL Server Web" (CapacityReservationInstancePlatform in the EC2
// API Reference).
func operationOfPlatform(details string) (string, bool) {
	details = strings.Replace(details, "RHEL", "Red Hat Enterprise Linux", 1)
	details = strings.TrimPrefix(details, "Linux with ")
	if system, software, ok := strings.Cut(details, " with HA and "); ok {
		details = system + " with " + software + " and HA"
	}
	for _, known := range Operations() {
		if strings.EqualFold(known.Platform, details) {
			return known.Code, true
		}
	}
	return "", false
}

// operationOfTag finds the operation that a Platform tag means. People write
// such tags themselves: the short forms that are in use count as well as AWS's
// words, in any case.
func operationOfTag(value string) (string, bool) {
	switch strings.ToLower(value) {
	case "linux":
		return linux, true
	case "windows":
		return windows, true
	case "windows+sqlstd":
		return "RunInstances:0006", true
	case "windows+sqlent":
		return "RunInstances:0102", true
	case "windows+sqlweb":
		return "RunInstances:0202", true
	case "linux+sqlstd":
		return "RunInstances:0004", true
	case "linux+sqlent":
		return "RunInstances:0100", true
	case "linux+sqlweb":
		return "RunInstances:0200", true
	case "rhel":
		return "RunInstances:0010", true
	case "suse":
		return "RunInstances:000g", true
	}
	return operationOfPlatform(value)
}

// licensed is true where the price of an operation contains a licence, whose
// share follows the number of cores.
func licensed(operation string) bool {
	switch operation {
	case linux, "RunInstances:00g0", "RunInstances:0800":
		return false
	}
	return true
}
