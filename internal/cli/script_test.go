package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"nightshift": func() { os.Exit(cli.Main(os.Args[1:], cli.ThisSystem())) },
	})
}

// The commands as a user runs them: real processes that talk to a practice
// account over HTTP. Each script says what it shows.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
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
			"exitcode": exitCode,
			"fewer":    fewer,
			"launch":   launch,
			"cells":    printCells,
			"uploaded": uploaded,
			"waitfor":  waitFor,
			"pause":    pause,
		},
		RequireExplicitExec: true,
	})
}

// startAccount is the script command
//
//	account [fleet=N] [speed=N] [faults=PLAN] [policy=FILE] [anyof=MODE]
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
			case "faults":
				o.Faults, err = sandbox.ParseFaults(value)
			case "policy":
				o.Policy = []byte(ts.ReadFile(value))
			case "anyof":
				o.AnyOf = value
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
	}
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

// waitFor waits until the practice account has been asked for an action:
// waitfor StopInstances.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	account := (*ts.Value("account").(**sandbox.Server)).Sandbox()
	for range 500 {
		for _, c := range account.Calls() {
			if c.Action == args[0] {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("nobody asked for %s", args[0])
}

// pause waits: pause 1s.
func pause(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
}

// launch starts an instance of a type in the practice account, with a name:
// launch c8i.large NAME.
func launch(ts *testscript.TestScript, _ bool, args []string) {
	endpoint := ts.Getenv("AWS_ENDPOINT_URL")
	client := ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	_, err := client.RunInstances(context.Background(), &ec2.RunInstancesInput{
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
