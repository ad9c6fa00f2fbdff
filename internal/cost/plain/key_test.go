package plain

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

func TestKey(t *testing.T) {
	for header, want := range map[string]string{
		"Name": "name", "InstanceId": "instance_id", "AZ": "az", "vCPU": "vcpu", "VolumeSize(GB)": "volume_size_gb", "EC2Monthly(USD)": "ec2_monthly_usd",
		"TotalMonthlyUSD": "total_monthly_usd", "SizeGiB": "size_gib", "UnattachedGiB": "unattached_gib", "Throughput(MiB/s)": "throughput_mib_s", "IOPS(USD)": "iops_usd",
		"SKU": "sku", "PriceStatus": "price_status", "EBSMonthToDate(USD)": "ebs_month_to_date_usd", "EC2_Detail_Costs": "ec2_detail_costs", "EBS_Summary": "ebs_summary", "Top_20": "top_20",
		"Before 2026-11-01 (USD/month)": "before_usd_month", "2026-11-02 (USD)": "2026_11_02_usd", "Of instances left out(USD)": "of_instances_left_out_usd", "HoursAtLeast": "hours_at_least",
	} {
		if got := key(header); got != want {
			t.Errorf("%s has the key %s, want %s", header, got, want)
		}
	}
}

// TestKeysAreNames: whatever the header, its key needs no quotes in jq or SQL.
func TestKeysAreNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.StringMatching(`[A-Za-z][A-Za-z0-9_ ()/-]{0,30}`).Draw(t, "header")
		if got := key(header); !name.MatchString(got) {
			t.Fatalf("%q has the key %q", header, got)
		}
	})
}
