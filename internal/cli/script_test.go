package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// TestMain lets more tests run at once than there are processors: most of them
// wait for processes and for the clocks of accounts. -parallel comes before it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"nightshift": func() { os.Exit(cli.Main(os.Args[1:], cli.ThisSystem())) },
	})
}

// The commands as a user runs them: real processes that talk to a practice
// account over HTTP. Each script says what it shows.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script", nil) }

// runScripts runs the scripts of a directory with further variables.
func runScripts(t *testing.T, dir string, variables map[string]string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			for name, value := range variables {
				env.Setenv(name, value)
			}
			// Nothing of the machine's own AWS configuration may leak in.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_CA_BUNDLE", "")
			env.Setenv("GOCOVERDIR", "")
			env.Values["account"] = new(*sandbox.Server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"account":  startAccount(t),
			"advance":  advance,
			"tag":      tagSnapshots,
			"untag":    untagSnapshots,
			"binrule":  addBinRule,
			"binned":   binned,
			"exitcode": exitCode,
			"fewer":    fewer,
			"launch":   launch,
			"cells":    printCells,
			"uploaded": uploaded,
			"document": document,
			"fetch":    fetch,
			"media":    media,
			"damage":   damage,
			"waitfor":  waitFor,
			"waitline": waitLine,
		},
		Condition:           condition,
		RequireExplicitExec: true,
	})
}

// condition is the script's condition [first-of-month]: on that day of UTC a report, which
// follows the machine's clock, covers no whole day that somebody could have billed.
func condition(name string) (bool, error) {
	if name != "first-of-month" {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	return time.Now().UTC().Day() == 1, nil
}

// startAccount is the script command
//
//	account [fleet=N] [speed=N] [at=TIME] [backups=true] [faults=PLAN] [policy=FILE] [anyof=MODE] [accounts=N] [bucket=NAME]
//
// which starts a practice account and sets the variables to reach it.
func startAccount(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		o := sandbox.Options{Speed: 300}
		for _, arg := range args {
			key, value, _ := strings.Cut(arg, "=")
			var err error
			switch key {
			case "fleet":
				o.Fleet, err = strconv.Atoi(value)
			case "speed":
				o.Speed, err = strconv.ParseFloat(value, 64)
			case "at":
				o.Start, err = time.Parse(time.RFC3339, value)
			case "faults":
				o.Faults, err = sandbox.ParseFaults(value)
			case "policy":
				o.Policy = []byte(ts.ReadFile(value))
			case "anyof":
				o.AnyOf = value
			case "accounts":
				var n int
				n, err = strconv.Atoi(value)
				o.Accounts = sandbox.Members(n)
			case "backups":
				o.Backups = true
			case "bucket":
				o.Buckets = append(o.Buckets, value)
			default:
				err = fmt.Errorf("account does not know %q", key)
			}
			ts.Check(err)
		}
		server := sandboxtest.Start(t, o)
		*ts.Value("account").(**sandbox.Server) = server
		ts.Setenv("AWS_ENDPOINT_URL", server.URL())
		ts.Setenv("AWS_ACCESS_KEY_ID", sandbox.AccessKey)
		ts.Setenv("AWS_SECRET_ACCESS_KEY", sandbox.SecretKey)
		ts.Setenv("AWS_REGION", sandbox.DefaultRegion)
		ts.Setenv("BUCKET", sandbox.DefaultBucket)
		ts.Setenv("NIGHTSHIFT_SANDBOX_SPEED", strconv.FormatFloat(o.Speed, 'g', -1, 64)) // as the command sandbox prints it
	}
}

// advance moves the clock of the practice account: advance 24h.
func advance(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	(*ts.Value("account").(**sandbox.Server)).Sandbox().Advance(d)
}

// tagSnapshots tags the snapshots of the practice account that carry a tag with a value
// that begins so: tag nightshift:set=nightly/i-1/20261120T nightshift:hold=audit.
func tagSnapshots(ts *testscript.TestScript, _ bool, args []string) {
	client, ids := snapshotsWith(ts, args[0])
	key, value, _ := strings.Cut(args[1], "=")
	_, err := client.CreateTags(context.Background(), &ec2.CreateTagsInput{Resources: ids, Tags: []types.Tag{{Key: &key, Value: &value}}})
	ts.Check(err)
}

// untagSnapshots takes a tag from those that have it: untag nightshift:hold=audit.
func untagSnapshots(ts *testscript.TestScript, _ bool, args []string) {
	client, ids := snapshotsWith(ts, args[0])
	key, _, _ := strings.Cut(args[0], "=")
	_, err := client.DeleteTags(context.Background(), &ec2.DeleteTagsInput{Resources: ids, Tags: []types.Tag{{Key: &key}}})
	ts.Check(err)
}

// addBinRule has the Recycle Bin of the practice account hold snapshots with a tag, or a
// key of tags, for some days: binrule nightshift:policy 14.
func addBinRule(ts *testscript.TestScript, _ bool, args []string) {
	key, value, _ := strings.Cut(args[0], "=")
	days, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	_, err = (*ts.Value("account").(**sandbox.Server)).Sandbox().AddBinRule(sandbox.DefaultRegion, sandbox.BinRule{Tags: sandbox.Tags{{Key: key, Value: value}}, Days: days})
	ts.Check(err)
}

// binned prints the snapshots in the Recycle Bin to the standard output of the script, and
// writes their ids to a file: binned FILE.
func binned(ts *testscript.TestScript, _ bool, args []string) {
	list, err := ec2Client(ts).ListSnapshotsInRecycleBin(context.Background(), &ec2.ListSnapshotsInRecycleBinInput{})
	ts.Check(err)
	var ids []string
	for _, s := range list.Snapshots {
		ids = append(ids, *s.SnapshotId)
		fmt.Fprintf(ts.Stdout(), "%s until %s\n", *s.SnapshotId, s.RecycleBinExitTime.Format(time.RFC3339))
	}
	fmt.Fprintf(ts.Stdout(), "%d in the bin\n", len(ids))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(ids, "\n")), 0o600))
}

// ec2Client asks the practice account.
func ec2Client(ts *testscript.TestScript) *ec2.Client {
	endpoint := ts.Getenv("AWS_ENDPOINT_URL")
	return ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
}

// snapshotsWith are the snapshots with a tag whose value begins so.
func snapshotsWith(ts *testscript.TestScript, tag string) (client *ec2.Client, ids []string) {
	key, value, _ := strings.Cut(tag, "=")
	for _, s := range (*ts.Value("account").(**sandbox.Server)).Sandbox().Snapshots(sandbox.DefaultRegion) {
		if slices.ContainsFunc(s.Tags, func(t sandbox.Tag) bool { return t.Key == key && strings.HasPrefix(t.Value, value) }) {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		ts.Fatalf("no snapshot has the tag %s", tag)
	}
	return ec2Client(ts), ids
}

// exitCode runs a command and checks its code: exitcode 3 nightshift stop.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// uploaded checks that the practice account's bucket holds one object of at
// least so many bytes: uploaded 10000.
func uploaded(ts *testscript.TestScript, _ bool, args []string) {
	account := (*ts.Value("account").(**sandbox.Server)).Sandbox()
	keys := account.Objects(sandbox.DefaultBucket)
	if len(keys) != 1 {
		ts.Fatalf("the bucket holds %v, want one object", keys)
	}
	body, _ := account.Object(sandbox.DefaultBucket, keys[0])
	if least, _ := strconv.Atoi(args[0]); len(body) < least {
		ts.Fatalf("%s has %d bytes, want at least %d", keys[0], len(body), least)
	}
}

// document runs a command and checks that its standard output is one JSON
// document and nothing else, whatever its code is: document nightshift cost
// prices --json.
func document(ts *testscript.TestScript, _ bool, args []string) {
	_ = ts.Exec(args[0], args[1:]...)
	out := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var one any
	if err := out.Decode(&one); err != nil {
		ts.Fatalf("%v print no JSON: %v", args, err)
	}
	if _, isObject := one.(map[string]any); !isObject || !errors.Is(out.Decode(&one), io.EOF) {
		ts.Fatalf("%v do not print one JSON object alone", args)
	}
}

// fetch downloads a file of the practice account's price lists, which need no
// credentials: fetch aws/AmazonEC2/current/ap-northeast-2/index.csv FILE.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	response, err := http.Get(ts.Getenv("AWS_ENDPOINT_URL") + "/offers/v1.0/" + args[0]) //nolint:noctx // a script has none
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[0], response.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o600))
}

// media checks the media type and the ending of the only object in a bucket
// under a prefix: media BUCKET PREFIX .html text/html.
func media(ts *testscript.TestScript, _ bool, args []string) {
	endpoint := ts.Getenv("AWS_ENDPOINT_URL")
	client := s3.New(s3.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	list, err := client.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &args[0], Prefix: &args[1]})
	ts.Check(err)
	if len(list.Contents) != 1 {
		ts.Fatalf("%s/%s holds %d objects, want one", args[0], args[1], len(list.Contents))
	}
	key := *list.Contents[0].Key
	head, err := client.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: &args[0], Key: &key})
	ts.Check(err)
	if !strings.HasSuffix(key, args[2]) || !strings.HasPrefix(*head.ContentType, args[3]) {
		ts.Fatalf("%s is %s, want %s of %s", key, *head.ContentType, args[2], args[3])
	}
}

// damage cuts off the last part of a file: damage FILE.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	ts.Check(os.Truncate(name, info.Size()*2/3))
}

// waitFor waits until the practice account has been asked for an action:
// waitfor StopInstances.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	account := (*ts.Value("account").(**sandbox.Server)).Sandbox()
	for range 1500 {
		for _, c := range account.Calls() {
			if c.Action == args[0] {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("nobody asked for %s", args[0])
}

// waitLine waits until a file that a program in the background writes holds
// a text: waitline FILE TEXT.
func waitLine(ts *testscript.TestScript, _ bool, args []string) {
	for range 1500 {
		written, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && strings.Contains(string(written), args[1]) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%s never held %q", args[0], args[1])
}

// launch starts an instance of a type in the practice account, with a name:
// launch c8i.large NAME.
func launch(ts *testscript.TestScript, _ bool, args []string) {
	_, err := ec2Client(ts).RunInstances(context.Background(), &ec2.RunInstancesInput{
		ImageId: aws.String(sandbox.ImageLinux), InstanceType: types.InstanceType(args[0]), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String(args[1])}},
		}},
	})
	ts.Check(err)
}

// printCells prints to the standard output of the script the cells of an instance's
// row as HEADER=VALUE, one a line: cells FILE NAME.
func printCells(ts *testscript.TestScript, _ bool, args []string) {
	book, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(book.Close()) }()
	rows, err := book.GetRows("EC2_Detail_Costs")
	ts.Check(err)
	for _, row := range rows[1:] {
		if row[0] != args[1] {
			continue
		}
		for n, header := range rows[0] {
			value := ""
			if n < len(row) {
				value = row[n]
			}
			fmt.Fprintf(ts.Stdout(), "%s=%s\n", header, value)
		}
		return
	}
	ts.Fatalf("%s has no row for %s", args[0], args[1])
}

// fewer checks that a folder holds at most so many entries: fewer 1 DIR.
func fewer(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(filepath.Clean(ts.MkAbs(args[1])))
	ts.Check(err)
	if most, _ := strconv.Atoi(args[0]); len(entries) > most {
		ts.Fatalf("%s holds %d entries: %v", args[1], len(entries), entries)
	}
}
