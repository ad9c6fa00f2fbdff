package price_test

import (
	"testing"

	"nightshift/internal/price"
)

// TestIsRunning: Cost Explorer, the exports of the bill and the reconciliation
// must count the same hours.
func TestIsRunning(t *testing.T) {
	for usageType, want := range map[string]bool{
		"BoxUsage:m5.large":            true,
		"APN2-BoxUsage:m5.large":       true,
		"APN2-SpotUsage:m5.large":      true,
		"USE2-DedicatedUsage:m5.large": true,
		"EUC1-HostBoxUsage:m5.large":   true,
		"APN2-SchedUsage:m5.large":     true,
		"BoxUsage":                     true, // m1.small
		"APN2-BoxUsage":                true,
		"APN2-UnusedBox:m5.large":      false,
		"APN2-UnusedDed:m5.large":      false,
		"APN2-HostUsage:m5":            false,
		"APN2-CPUCredits:t3":           false,
		"APN2-EBSOptimized:m4.large":   false,
		"APN2-DataTransfer-Out-Bytes":  false,
		"APN2-USE1-AWS-Out-Bytes":      false,
		"APN2-NatGateway-Hours":        false,
		"APN2-ESInstance:BoxUsage":     false,
		"APN2-BoxUsageExtra:m5.large":  false,
		"elastic-BoxUsage:m5.large":    false,
		"-BoxUsage:m5.large":           false,
		"APN2-ElasticIP:IdleAddress":   false,
		"APN2-EBS:VolumeUsage.gp3":     false,
		"APN2-PublicIPv4:InUseAddress": false,
		"":                             false,
	} {
		if got := price.IsRunning(usageType); got != want {
			t.Errorf("%q: %v, want %v", usageType, got, want)
		}
	}
}

func TestWithoutRegion(t *testing.T) {
	for usageType, want := range map[string]string{
		"APN2-BoxUsage:m5.large":      "BoxUsage:m5.large",
		"BoxUsage:m5.large":           "BoxUsage:m5.large",
		"APN2-EBS:VolumeP-IOPS.gp3":   "EBS:VolumeP-IOPS.gp3",
		"USE1-USW2-AWS-Out-Bytes":     "Out-Bytes",
		"APN2-DataTransfer-Out-Bytes": "DataTransfer-Out-Bytes",
	} {
		if got := price.WithoutRegion(usageType); got != want {
			t.Errorf("%q: %q, want %q", usageType, got, want)
		}
	}
}
