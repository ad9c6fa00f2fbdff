package cli_test

import (
	"time"

	"nightshift/internal/sandbox"
)

// office is the configuration of the recorded worlds.
const office = `timezone: Asia/Seoul
journal: journal
schedules:
  office-hours: Mon-Fri 08:00-19:00
  nights-off: never
power:
  override: { off: true }
  rules:
    - { tag: AutoStopStart=Yes, schedule: office-hours }
    - { tag: Schedule }
cost:
  history: history
  tags: [Env, Team]
`

// databases is a configuration with a rule for other kinds than instances.
const databases = `timezone: Asia/Seoul
journal: journal
power:
  rules: [{ tag: Env=dev, schedule: never, enforce: true, kinds: [db-instance, db-cluster, auto-scaling-group] }]
`

// instanceScheduler is a table of Instance Scheduler on AWS.
const instanceScheduler = `{"Items":[
 {"type":{"S":"period"},"name":{"S":"office-hours"},"begintime":{"S":"09:00"},"endtime":{"S":"17:00"},"weekdays":{"SS":["mon-fri"]}},
 {"type":{"S":"schedule"},"name":{"S":"uk-office-hours"},"timezone":{"S":"Europe/London"},"periods":{"SS":["office-hours"]}}
]}
`

// demoAccount is the default account on a Friday evening and for some days
// after, with a configuration.
func demoAccount() world {
	return world{
		name:  "demo-account",
		files: map[string]string{"nightshift.yaml": office, "databases.yaml": databases, "table.json": instanceScheduler},
		steps: []step{
			{name: "check", command: "check", env: map[string]string{"NIGHTSHIFT_CONFIG": ""}},
			{name: "check-json", command: "check --json"},
			{name: "check-live", command: "check --live"},
			{name: "policy", command: "policy --bucket my-reports"},
			{name: "policy-trust", command: "policy --trust arn:aws:iam::123456789012:role/nightshift --external-id practice"},
			{name: "policy-member", command: "policy --member"},

			{name: "report-xlsx", command: "report --out costs.xlsx --history days"},
			{name: "report-csv", command: "report --out costs.csv --quiet"},
			{name: "report-json", command: "report --out costs.json --json"},
			{name: "report-html", command: "report --out costs.html --hours assumed --timezone UTC"},
			{name: "report-parquet", command: "report --out costs.parquet --price-cache prices"},
			{name: "report-bucket", command: "report --bucket nightshift-practice --prefix weekly/ --json"},
			{name: "report-coverage", command: "report --out costs.csv --min-coverage 101"},

			{name: "cost-explain", command: "cost explain 개발-WAS-1"},
			{name: "cost-explain-json", command: "cost explain qa-windows-01 --json"},
			{name: "cost-explain-spot", command: "cost explain spot-batch"},
			{name: "cost-quote", command: "cost quote --instance m5.xlarge --operation RunInstances:0002 --volume gp3:1000:16000:1000 --address 2"},
			{name: "cost-quote-json", command: "cost quote --volume io2:100:70000 --json --region us-east-1 --region ap-northeast-2"},
			{name: "cost-prices", command: "cost prices"},
			{name: "cost-prices-of-a-day", command: "cost prices --as-of 2026-06-01"},
			{name: "cost-prices-kept", command: "cost prices --price-cache prices --kept --json"},
			{name: "cost-findings", command: "cost findings --least 40"},
			{name: "cost-findings-json", command: "cost findings --json"},

			{name: "power-plan", command: "power plan"},
			{name: "power-plan-at", command: "power plan --at 2026-11-23T19:00 --json"},
			{name: "power-week", command: "power week --at 2026-11-16"},
			{name: "power-next", command: "power next --schedule office-hours --at 2026-12-24T12:00 --count 3"},
			{name: "power-next-json", command: "power next --schedule 'Fri 20:00-Mon 06:00 Asia/Seoul' --at 2026-11-20T12:00 --count 2 --json"},
			{name: "power-forecast", command: "power forecast"},
			{name: "power-forecast-json", command: "power forecast --json"},
			{name: "power-import", command: "power import table.json"},
			{name: "power-import-stdin", command: "power import -", stdin: instanceScheduler},

			{name: "stop-dry-run", command: "stop --dry-run"},
			{name: "stop-dry-run-json", command: "stop --dry-run --json --region us-east-1"},
			{name: "start-dry-run", command: "start --tag Env=qa --dry-run"},
			{name: "power-override-set", command: "power override set 배치서버 on --until 3h"},
			{name: "power-override-set-off", command: "power override set qa-windows-01 off --until 22:00 --json"},
			{name: "power-override-list", command: "power override list"},
			{name: "power-explain-overridden", command: "power explain 배치서버"},
			{name: "power-apply-evening", command: "power apply", later: 10 * time.Minute, passes: 2 * time.Minute},
			{name: "power-apply-again", command: "power apply --wait=false --json", later: 10 * time.Minute},
			{name: "power-plan-databases", command: "power plan --config databases.yaml"},
			{name: "power-apply-databases", command: "power apply --config databases.yaml --wait=false"},
			{name: "power-explain-stopped", command: "power explain 개발-WAS-1 --json"},
			{name: "power-override-clear", command: "power override clear 배치서버"},
			{name: "history", command: "history"},
			{name: "cost-savings", command: "cost savings", later: 24 * time.Hour},
			{name: "start", command: "start", passes: 2 * time.Minute},
			{name: "start-again", command: "start --json --wait=false", later: 10 * time.Minute},
			{name: "stop", command: "stop --json", passes: 2 * time.Minute},
			{name: "stop-no-instances", command: "stop --tag Nobody=Has"},
			{name: "power-apply-morning", command: "power apply --wait=false", later: 36 * time.Hour},
			{name: "report-later", command: "report --out costs.csv --history days"},
			{name: "cost-trend", command: "cost trend --history days --by-tag Env"},
			{name: "cost-movers", command: "cost movers --history days --top 5"},
			{name: "cost-movers-json", command: "cost movers --history days --json"},
			{name: "history-json", command: "history --json --last 2"},
		},
	}
}

// accountsFile is the configuration of an organization of three accounts.
const accountsFile = office + `regions: [ap-northeast-2]
accounts:
  - { name: central }
  - { name: shop, role: "arn:aws:iam::200000000001:role/nightshift", external_id: practice }
  - { name: data, role: "arn:aws:iam::200000000002:role/nightshift", external_id: practice, regions: [ap-northeast-2, us-east-1] }
`

// threeAccounts is an organization, of which one account is lost for a while.
func threeAccounts() world {
	return world{
		name:    "three-accounts",
		options: sandbox.Options{Accounts: sandbox.Members(2)},
		files:   map[string]string{"nightshift.yaml": accountsFile},
		steps: []step{
			{name: "check-live", command: "check --live"},
			{name: "power-plan", command: "power plan"},
			{name: "power-plan-one-account", command: "power plan --account shop --json"},
			{name: "report", command: "report --out costs.json"},
			{name: "cost-findings", command: "cost findings --least 40"},
			{name: "cost-quote", command: "cost quote --instance m5.xlarge"},
			{name: "power-forecast", command: "power forecast"},
			{name: "power-override-set", command: "power override set web-0001 on --until 3h"},
			{name: "power-apply", command: "power apply --wait=false", later: 10 * time.Minute},
			{name: "power-apply-denied", command: "power apply --wait=false --json", later: 10 * time.Minute, faults: "sts:AssumeRole=deny,id=*200000000001*"},
			{name: "report-denied", command: "report --out costs.csv"},
			{name: "history", command: "history --json", faults: "none"},
			{name: "start", command: "start --wait=false"},
			{name: "unknown-account", command: "power plan --account prod"},
		},
	}
}

// faultyAccount is the default account on a bad day.
func faultyAccount() world {
	return world{
		name:    "faulty-account",
		files:   map[string]string{"nightshift.yaml": office, "databases.yaml": databases, "closed/empty": ""},
		options: sandbox.Options{},
		steps: []step{
			{name: "throttled-for-a-while", command: "power plan", faults: "ec2:DescribeInstances=throttle,count=2"},
			{name: "throttled-for-ever", command: "power apply", faults: "ec2:DescribeInstances=throttle"},
			{name: "stop-denied", command: "stop", faults: "ec2:StopInstances=deny"},
			{name: "stop-one-type-refused", command: "stop --wait=false", faults: "ec2:StopInstances=refuse,type=t3.medium,code=InternalOops"},
			{name: "start-without-capacity", command: "start --wait=false", later: time.Hour, faults: "ec2:StartInstances=refuse,type=m5.*,code=InsufficientInstanceCapacity"},
			{name: "power-apply-cut", command: "power apply --wait=false --json", later: time.Hour, faults: "ec2:StopInstances=cut,count=1"},
			{name: "power-apply-databases-denied", command: "power apply --config databases.yaml --wait=false", later: time.Hour, faults: "rds:DescribeDBClusters=deny;rds:DescribeEvents=deny"},
			{name: "power-apply-failed-start", command: "power apply", later: 60 * time.Hour, faults: "*=failstart,type=t3.*,code=Server.InternalError", passes: 2 * time.Minute},
			{name: "check-live-denied", command: "check --live", faults: "ec2:StopInstances=deny;pricing:*=deny"},
			{name: "report-prices-denied", command: "report --out costs.csv", faults: "pricing:*=deny"},
			{name: "report-metrics-denied", command: "report --out costs.csv", faults: "monitoring:*=deny;rds:*=deny"},
			{name: "report-volumes-broken", command: "report --out costs.csv", faults: "ec2:DescribeVolumes=broken"},
			{name: "report-bucket-denied", command: "report --bucket nightshift-practice", faults: "s3:PutObject=deny"},
			{name: "report-expired", command: "report --out costs.csv", faults: "ec2:*=expired"},
			{name: "report-history-missing", command: "report --out costs.csv --history s3://not-there/costs", faults: "none"},
			{name: "report-bill-missing", command: "report --out costs.csv --bill closed"},
			{name: "cost-explain-denied", command: "cost explain spot-batch", faults: "ec2:DescribeSpotPriceHistory=deny"},
			{name: "history", command: "history", faults: "none"},
		},
	}
}

// noAccount is what needs none: all it knows is wrong.
func noAccount() world {
	return world{
		name: "no-account",
		env:  map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
		files: map[string]string{
			"mistakes.yaml": "timezone: Asia/Soul\nschedules: { office: Mon-Fri 8-19 }\npower: { rules: [{ tag: Schedul, shedule: office }] }\n",
		},
		steps: []step{
			{name: "help", command: "--help"},
			{name: "version", command: "version"},
			{name: "template", command: "template"},
			{name: "template-member", command: "template --member"},
			{name: "check-example", command: "check --example"},
			{name: "check-mistakes", command: "check --config mistakes.yaml"},
			{name: "check-missing", command: "check --config missing.yaml"},
			{name: "unknown-command", command: "stpo"}, //nolint:misspell // on purpose
			{name: "unknown-flag", command: "stop --dry"},
			{name: "extra-argument", command: "power plan now"},
			{name: "no-configuration", command: "power plan"},
			{name: "no-destination", command: "report"},
			{name: "no-region", command: "stop", env: map[string]string{"AWS_REGION": ""}},
			{name: "wrong-region", command: "stop --region seoul"},
			{name: "wrong-tag", command: "stop --tag ="},
			{name: "wrong-schedule", command: "power next --schedule 'Tues 08:00-19:00'"},
			{name: "demo", command: "demo", masked: true},
		},
	}
}
