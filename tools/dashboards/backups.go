package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// ofPolicies leaves out what belongs to no policy, which may be meant to have no copy.
const ofPolicies = `policy!="none"`

// backups shows which volumes have a copy, and how the policies are doing.
func backups(q queries) board {
	return forPrometheus(board{
		file: "nightshift-backups.json", uid: "nightshift-backups", title: "nightshift / Backups",
		description: "Which volumes have a copy that is young enough, how the backup policies are doing, and what keeps copies from being made or restored.",
		since:       "7d", refresh: "5m",
		rows: []row{
			{"Answers", []line{across(low, backupAnswers(q)...)}},
			{"Trend", []line{
				across(high, q.coverage(), q.restorePoints()),
				across(high, q.sets(), q.missed()),
				across(high, q.quotaUsed(), q.snapshotCosts()),
			}},
			{"To act on", []line{
				across(tall, q.policies()),
				across(tall, q.backupTargets()),
			}},
		},
	})
}

func backupAnswers(q queries) []cog.Builder[dashboard.Panel] {
	number := func(title, description, expr string, levels cog.Builder[dashboard.ThresholdsConfig]) cog.Builder[dashboard.Panel] {
		return answer(title, description, count, orNone(expr), levels)
	}
	return []cog.Builder[dashboard.Panel]{
		number("RPO missed", "Volumes of policies without a good copy that is younger than their RPO. The command nightshift backup status names them.",
			q.sum("", "backup_rpo_missed_volumes", ofPolicies), thresholds(good, step{1, warning})),
		number("Copies failed", "Sets of copies with a member that is in error or missing. They are no restore points.",
			q.sum("", "backup_copies", `state="error"`), thresholds(good, step{1, warning})),
		answer("Longest pending", "Age of the data of the copy that has been pending longest. The first copy of a large volume takes hours; more than a day is a fault.",
			seconds, orNone("max("+q.age("policy", "backup_pending_oldest_timestamp_seconds")+")"), thresholds(good, step{86400, warning})),
		number("Unusual changes", "Volumes of which the last copy changed more than ten times the median of the earlier ones. Something may be encrypting them.",
			q.sum("", "backup_unusual_changes"), thresholds(good, step{1, bad})),
		number("Public snapshots", "Snapshots that everybody may make volumes of, whoever made them.",
			q.sum("", "backup_public_snapshots"), thresholds(good, step{1, bad})),
		number("Unusable keys", "KMS keys of what policies select and have copied that are disabled, pending deletion or gone. Without them copies cannot be restored.",
			q.sum("", "backup_unusable_keys"), thresholds(good, step{1, bad})),
		answer("Quota used", "Share of the snapshots that an account can have in a region, of the one where most are used. At 100% no copy can be made.",
			share, orNone("max("+q.quotaShare()+")"), thresholds(good, step{0.8, warning}, step{0.95, bad})),
		amount("Cost", "What all snapshots cost in a month, at most: AWS bills what differs from the snapshot before, which is less.",
			dollars, orNone(q.sum("", "backup_cost_usd"))).Decimals(0),
	}
}

// quotaShare is how much of the quota of each account and region is used.
func (q queries) quotaShare() string {
	return q.once("backup_snapshots") + " / " + q.once("backup_snapshot_quota")
}

func (q queries) coverage() cog.Builder[dashboard.Panel] {
	return stacked("Volumes by coverage", "Protected volumes have a copy that is young enough, whoever made it; of stale ones it is too old, unprotected ones have none. New and excluded ones are not meant to have one.",
		count, series{q.sum("coverage", "backup_volumes"), "{{coverage}}"})
}

func (q queries) restorePoints() cog.Builder[dashboard.Panel] {
	return graph("Age of the restore points", "By policy the age of the newest good copy of the volume whose newest is oldest: how much would be lost at worst. It grows until the next copy.",
		seconds, series{q.age("policy", "backup_oldest_good_copy_timestamp_seconds", ofPolicies), "{{policy}}"})
}

func (q queries) sets() cog.Builder[dashboard.Panel] {
	return coloured(stacked("Sets of copies", "Sets of copies that nightshift made, by state. Complete ones are restore points.",
		count, series{q.sum("state", "backup_copies"), "{{state}}"}), "error", bad)
}

func (q queries) missed() cog.Builder[dashboard.Panel] {
	return stacked("RPO missed by policy", "Volumes of each policy without a good copy that is younger than the RPO.",
		count, series{q.sum("policy", "backup_rpo_missed_volumes", ofPolicies), "{{policy}}"})
}

func (q queries) quotaUsed() cog.Builder[dashboard.Panel] {
	return graph("Quota used by account and region", "Share of the snapshots that each account can have in a region.",
		share, series{q.quotaShare(), "{{aws_account_id}} {{aws_region}}"})
}

func (q queries) snapshotCosts() cog.Builder[dashboard.Panel] {
	return stacked("Cost by account", "What all snapshots of each account cost in a month, at most.",
		dollars, series{q.sum("aws_account_id", "backup_cost_usd"), "{{aws_account_id}}"})
}

func (q queries) policies() cog.Builder[dashboard.Panel] {
	by := "policy aws_account_id aws_region"
	return list("Policies", "Each policy in each account and region, the ones that miss their RPO most first. What waits to be deleted waits for a person, or for the next run that may.", by,
		column{expr: q.sum(by, "backup_rpo_missed_volumes"), name: "RPO missed", unit: count, levels: thresholds(good, step{1, warning})},
		column{expr: q.age(by, "backup_oldest_good_copy_timestamp_seconds"), name: "Age of the oldest", unit: seconds},
		column{expr: q.sum(by, "backup_copies", `state="error"`), name: "Failed", unit: count, levels: thresholds(good, step{1, warning})},
		column{expr: q.sum(by, "backup_copies", `state="complete"`), name: "Restore points", unit: count},
		column{expr: q.sum(by, "backup_deletions_waiting"), name: "To be deleted", unit: count})
}

func (q queries) backupTargets() cog.Builder[dashboard.Panel] {
	by := "aws_account_id aws_region"
	return list("Snapshots by account and region", "The snapshots of each account and region, the dearest first. Orphans are those that nobody deletes, or that are no use.", by,
		column{expr: q.sum(by, "backup_cost_usd"), name: "Cost at most", unit: dollars},
		column{expr: q.sum(by, "backup_snapshots"), name: "Snapshots", unit: count},
		column{expr: q.sum(by, "backup_orphaned_copies"), name: "Orphans", unit: count},
		column{expr: q.sum(by, "backup_public_snapshots"), name: "Public", unit: count, levels: thresholds(good, step{1, bad})},
		column{expr: q.age(by, "backup_last_read_timestamp_seconds"), name: "Read", unit: seconds})
}
