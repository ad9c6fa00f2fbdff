package cli

import (
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// backupAnswer is the JSON answer of the commands plan and apply. Targets are planTarget
// or applyTarget.
type backupAnswer[T any] struct {
	Status  fleet.Status `json:"status"`
	DryRun  bool         `json:"dry_run"`
	Targets []T          `json:"targets"`
	Errors  []string     `json:"errors"`
}

// planTarget is the plan of one account and region.
type planTarget struct {
	Account   fleet.Account      `json:"account"`
	Region    fleet.Region       `json:"region"`
	At        time.Time          `json:"at"`
	Hash      string             `json:"hash"`
	Creates   []createAnswer     `json:"creates"`
	Sets      []setAnswer        `json:"sets"`
	Oldest    []oldestAnswer     `json:"oldest"`
	Frees     freedAnswer        `json:"frees"`
	Costs     []policyCostAnswer `json:"policy_costs"`
	Strangers []strangerAnswer   `json:"strangers"`
	Unread    []unreadAnswer     `json:"unread"`
	Notes     []string           `json:"notes"`
}

// applyTarget is what a run did in one account and region.
type applyTarget struct {
	Account  fleet.Account   `json:"account"`
	Region   fleet.Region    `json:"region"`
	At       time.Time       `json:"at"`
	Outcomes []outcomeAnswer `json:"outcomes"`
	Waiting  waitingAnswer   `json:"waiting"`
	Notes    []string        `json:"notes"`
}

type outcomeAnswer struct {
	Policy    backup.PolicyID    `json:"policy"`
	Resource  fleet.ResourceID   `json:"resource"`
	Name      string             `json:"name"`
	Set       backup.SetID       `json:"set"`
	Action    backup.Action      `json:"action"`
	Result    fleet.Result       `json:"result"`
	Code      string             `json:"code"`
	Reason    string             `json:"reason"`
	Snapshots []fleet.SnapshotID `json:"snapshots"`
	At        *time.Time         `json:"at"`
}

type createAnswer struct {
	Policy      backup.PolicyID     `json:"policy"`
	Resource    fleet.ResourceID    `json:"resource"`
	Name        string              `json:"name"`
	Action      backup.CreateAction `json:"action"`
	Code        string              `json:"code"`
	Reason      string              `json:"reason"`
	Slot        *time.Time          `json:"slot"`
	Missed      []time.Time         `json:"missed_slots"`
	Volumes     []fleet.VolumeID    `json:"volumes"`
	Excluded    []excludedAnswer    `json:"excluded"`
	Single      bool                `json:"single"`
	Consistency string              `json:"consistency"`
	Failed      []fleet.SnapshotID  `json:"failed_snapshots"`
	Warnings    []string            `json:"warnings"`
}

type excludedAnswer struct {
	Volume fleet.VolumeID `json:"volume"`
	fleet.Reason
}

type setAnswer struct {
	Set       backup.SetID       `json:"set"`
	Policy    backup.PolicyID    `json:"policy"`
	Resource  fleet.ResourceID   `json:"resource"`
	Name      string             `json:"name"`
	Slot      time.Time          `json:"slot"`
	Data      time.Time          `json:"data_time"`
	State     backup.SetState    `json:"state"`
	Snapshots []fleet.SnapshotID `json:"snapshots"`
	Verdict   string             `json:"verdict"`
	Rules     []string           `json:"rules"`
	Guard     backup.Guard       `json:"guard"`
	Why       string             `json:"guard_reason"`
	Changed   bool               `json:"policy_changed"`
	Orphan    bool               `json:"source_gone"`
	Frees     *freedAnswer       `json:"frees"`
}

// freedAnswer is what deletions give back: at most so much where it was not measured.
type freedAnswer struct {
	Bytes    int64      `json:"bytes"`
	Measured bool       `json:"measured"`
	USD      *price.USD `json:"monthly_usd"`
	Hours    int        `json:"after_hours"`
}

type oldestAnswer struct {
	Policy   backup.PolicyID  `json:"policy"`
	Resource fleet.ResourceID `json:"resource"`
	Data     *time.Time       `json:"data_time"`
}

type policyCostAnswer struct {
	Policy  backup.PolicyID `json:"policy"`
	Volumes int             `json:"volumes"`
	First   boundsAnswer    `json:"first_month"`
	Steady  boundsAnswer    `json:"steady"`
}

type boundsAnswer struct {
	Low       *price.USD `json:"low_usd"`
	High      *price.USD `json:"high_usd"`
	Copies    int        `json:"copies"`
	Unlimited bool       `json:"unlimited"`
}

type strangerAnswer struct {
	Snapshot fleet.SnapshotID `json:"snapshot"`
	fleet.Reason
}

type unreadAnswer struct {
	Listing backup.Part `json:"listing"`
	Error   string      `json:"error"`
}

type waitingAnswer struct {
	Deletions int         `json:"deletions"`
	Frees     freedAnswer `json:"frees"`
}

// backupPlanAnswer is the answer of a plan.
func backupPlanAnswer(r app.BackupResult) backupAnswer[planTarget] {
	answer := backupAnswer[planTarget]{Status: r.Status(), DryRun: true, Targets: []planTarget{}, Errors: errorTexts(r)}
	for _, t := range r.Targets {
		answer.Targets = append(answer.Targets, planAnswer(t))
	}
	return answer
}

// backupApplyAnswer is the answer of a run.
func backupApplyAnswer(r app.BackupResult) backupAnswer[applyTarget] {
	answer := backupAnswer[applyTarget]{Status: r.Status(), Targets: []applyTarget{}, Errors: errorTexts(r)}
	for _, t := range r.Targets {
		answer.Targets = append(answer.Targets, applyAnswer(t))
	}
	return answer
}

func applyAnswer(t app.BackupTarget) applyTarget {
	answer := applyTarget{
		Account: t.Plan.Target.Account, Region: t.Plan.Target.Region, At: t.Plan.At, Outcomes: []outcomeAnswer{},
		Waiting: waitingAnswer{t.Waiting, freed(t.WaitingFrees)}, Notes: orEmpty(t.Notes),
	}
	called := namesOf(t)
	for _, o := range t.Outcomes {
		answer.Outcomes = append(answer.Outcomes, outcomeAnswer{
			Policy: o.Chain.Policy, Resource: o.Chain.Resource, Name: called[o.Chain.Resource], Set: o.Set, Action: o.Action,
			Result: o.Result, Code: o.Code, Reason: o.Text, Snapshots: orEmpty(o.Snapshots), At: timeOrNull(o.At),
		})
	}
	return answer
}

func errorTexts(r app.BackupResult) []string {
	list := []string{}
	for _, e := range r.Unreachable {
		list = append(list, e.Err.Error())
	}
	for _, t := range r.Targets {
		if t.Failure != nil {
			list = append(list, t.Failure.Err.Error())
		}
	}
	return list
}

func planAnswer(t app.BackupTarget) planTarget {
	plan := t.Plan
	answer := planTarget{
		Account: plan.Target.Account, Region: plan.Target.Region, At: plan.At, Hash: plan.Hash, Frees: freed(plan.Frees), Notes: orEmpty(t.Notes),
		Creates: []createAnswer{}, Sets: []setAnswer{}, Oldest: []oldestAnswer{}, Costs: []policyCostAnswer{},
		Strangers: []strangerAnswer{}, Unread: []unreadAnswer{},
	}
	for _, c := range plan.Creates {
		one := createAnswer{
			Policy: c.Policy, Resource: c.Resource, Name: c.Name, Action: c.Action, Code: c.Reason.Code, Reason: c.Reason.Text,
			Slot: timeOrNull(c.Slot), Missed: orEmpty(c.Missed), Volumes: orEmpty(c.Volumes), Excluded: []excludedAnswer{}, Single: c.Single,
			Consistency: c.Consistency, Failed: orEmpty(c.Failed), Warnings: orEmpty(c.Warnings),
		}
		for _, e := range c.Excluded {
			one.Excluded = append(one.Excluded, excludedAnswer{e.Volume, e.Reason})
		}
		answer.Creates = append(answer.Creates, one)
	}
	called := namesOf(t)
	for n := range plan.Deletes {
		v := &plan.Deletes[n]
		answer.Sets = append(answer.Sets, setAnswerOf(v, called[v.Set.Chain.Resource]))
	}
	for _, o := range plan.Oldest {
		answer.Oldest = append(answer.Oldest, oldestAnswer{o.Chain.Policy, o.Chain.Resource, timeOrNull(o.Data)})
	}
	for _, c := range t.Costs {
		answer.Costs = append(answer.Costs, policyCostAnswer{c.Policy, c.Volumes, bounds(c.First), bounds(c.Steady)})
	}
	for _, s := range plan.Strangers {
		answer.Strangers = append(answer.Strangers, strangerAnswer{s.Snapshot, s.Reason})
	}
	for _, part := range plan.Unread {
		answer.Unread = append(answer.Unread, unreadAnswer{part, t.Inventory.Unread[part].Error()})
	}
	return answer
}

func setAnswerOf(v *backup.Verdict, name string) setAnswer {
	answer := setAnswer{
		Set: v.Set.ID, Policy: v.Set.Chain.Policy, Resource: v.Set.Chain.Resource, Name: name, Slot: v.Set.Slot, Data: v.Set.Data,
		State: v.Set.State, Snapshots: []fleet.SnapshotID{}, Verdict: verdictOf(v), Rules: orEmpty(v.Rules), Guard: v.Guard, Why: v.Why,
		Changed: v.Changed, Orphan: v.Orphan,
	}
	for n := range v.Set.Members {
		answer.Snapshots = append(answer.Snapshots, v.Set.Members[n].ID)
	}
	if !v.Keep {
		frees := freed(v.Frees)
		answer.Frees = &frees
	}
	return answer
}

func freed(f backup.Freed) freedAnswer {
	answer := freedAnswer{Bytes: f.Bytes, Measured: f.Measured, Hours: int(f.Later.Hours())}
	if f.Priced {
		answer.USD = &f.USD
	}
	return answer
}

func bounds(b backup.Bounds) boundsAnswer {
	answer := boundsAnswer{Copies: b.Copies, Unlimited: b.Unlimited}
	if b.Priced {
		answer.Low, answer.High = &b.Low, &b.High
	}
	return answer
}

// timeOrNull is null in JSON where there is no time.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// orEmpty is a list that is [] in JSON where it is empty.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
