package recommend

import (
	"fmt"
	"strings"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
)

// The commands of recommendations. Each is one line that a shell runs as it is: the
// steps are joined so that a step runs only where the one before succeeded, and
// what AWS takes time for is waited for. Their arguments are ids and numbers of
// AWS's own making, and tags of plain letters, which a shell reads as they
// are.
const (
	releaseAddress = "aws ec2 release-address --allocation-id {id} --region {region}"
	releaseHeld    = "association=$(aws ec2 describe-addresses --allocation-ids {id} --query 'Addresses[0].AssociationId' --output text --region {region})" +
		` && aws ec2 disassociate-address --association-id "$association" --region {region}` +
		" && aws ec2 release-address --allocation-id {id} --region {region}"
	runAndEnd = "image=$(aws ec2 create-image --instance-id {id} --name {id} --query ImageId --output text --region {region})" +
		` && aws ec2 wait image-available --image-ids "$image" --region {region}` +
		" && aws ec2 terminate-instances --instance-ids {id} --region {region}"
	retainAndDelete = "snapshot=$(aws ec2 create-snapshot --volume-id {id} --query SnapshotId --output text --region {region})" +
		` && aws ec2 wait snapshot-completed --snapshot-ids "$snapshot" --region {region}` +
		" && aws ec2 delete-volume --volume-id {id} --region {region}"
	changeVolume = "aws ec2 modify-volume --volume-id {id} %s --region {region}"

	waitStopped = "aws ec2 wait instance-stopped --instance-ids {id} --region {region}"
	stop        = "aws ec2 stop-instances --instance-ids {id} --region {region}"
	start       = "aws ec2 start-instances --instance-ids {id} --region {region}"
	modifyType  = "aws ec2 modify-instance-attribute --instance-id {id} --instance-type %s --region {region}"
)

// adviceWait is said of every command with a wait that may be a long one.
const adviceWait = "the command gives up after ten minutes of waiting, and then deletes nothing; run its last two steps again later"

// changeType gives an instance another type. One that runs is stopped for it and
// started again, even where EC2 refuses the type; one that is off stays off.
func changeType(i *cost.Instance, to fleet.InstanceType) (fix, advice string) {
	modify := fmt.Sprintf(modifyType, to)
	switch {
	case i.Bound != "":
		return "", i.Bound
	case i.State == fleet.Stopped:
		return modify, "it stays stopped"
	case i.State == fleet.Stopping:
		return waitStopped + " && " + modify, "it stays stopped"
	case i.State != fleet.Running:
		return "", "wait until it runs: its type can be changed only while it is stopped"
	}
	return strings.Join([]string{stop, waitStopped, modify, start}, " && ") + " || " + start,
		"it is down meanwhile; where EC2 refuses the new type it is started again as it was"
}

// giveBack reduces a capacity reservation to the instances that use it.
func giveBack(used int64) string {
	if used > 0 {
		return fmt.Sprintf("aws ec2 modify-capacity-reservation --capacity-reservation-id {id} --instance-count %d --region {region}", used)
	}
	return "aws ec2 cancel-capacity-reservation --capacity-reservation-id {id} --region {region}"
}

// plain is true for a text that neither a shell nor the AWS CLI's shorthand reads
// as anything but itself.
func plain(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
	return s != "" && strings.Contains(letters, s[:1]) && strings.Trim(s, letters+".+-") == ""
}

// giveTag puts an instance on a schedule by the tag of a rule that there is.
func giveTag(tag fleet.Tag) (fix, advice string) {
	switch {
	case tag == fleet.Tag{}:
		return "", "no rule of the configuration would take it up by a tag: add a rule with a schedule to nightshift.yaml, then give the instance the rule's tag"
	case !plain(tag.Key) || !plain(tag.Value):
		return "", fmt.Sprintf("give it the tag %s, by which a rule of the configuration takes it up", tag)
	}
	return fmt.Sprintf("aws ec2 create-tags --resources {id} --tags Key=%s,Value=%s --region {region}", tag.Key, tag.Value), ""
}

// mostSnapshots is how many snapshots a command names.
const mostSnapshots = 100

// deleteSnapshots deletes one snapshot after the other, as EC2 wants it.
func deleteSnapshots(ids []string) string {
	const one = "aws ec2 delete-snapshot --snapshot-id %s --region {region}"
	if len(ids) == 1 {
		return fmt.Sprintf(one, ids[0])
	}
	return fmt.Sprintf("for snapshot in %s; do "+one+"; done", strings.Join(ids, " "), `"$snapshot"`)
}
