package app_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// tagOthers makes instances of the sandbox nodes of clusters.
func tagOthers(t *testing.T, w *world, tags map[string][2]string) {
	t.Helper()
	client := ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: aws.String(w.url),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	for _, i := range w.sandbox.Instances(sandbox.DefaultRegion) {
		tag, ok := tags[i.Tags["Name"]]
		if !ok {
			continue
		}
		if _, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{
			Resources: []string{i.ID}, Tags: []types.Tag{{Key: aws.String(tag[0]), Value: aws.String(tag[1])}},
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Plan, forecast, the report's column Schedule and recommendations have one idea
// of which machines a schedule stops.
func TestOneIdeaOfWhatIsStopped(t *testing.T) {
	others := map[string][2]string{
		"배치서버": {"kubernetes.io/cluster/prod", "owned"}, "개발-WAS-1": {"karpenter.sh/provisioner-name", "default"},
		"스테이징-API": {"AmazonECSManaged", ""}, "qa-windows-01": {"Ec2ImageBuilderArn", "arn:aws:imagebuilder:x"},
	}
	never := []string{"spot-runner", "scratch-render"}
	managed := []string{"web-asg"}
	for name := range others {
		managed = append(managed, name)
	}
	for _, tt := range []struct {
		name, rule string
		left       []string // of the tagged machines, those that no schedule stops
	}{
		{"others left alone", "{ tag: AutoStopStart=Yes, schedule: office-hours, enforce: true }", slices.Concat(never, managed)},
		{"others included", "{ tag: AutoStopStart=Yes, schedule: office-hours, enforce: true, include_managed: true }", never},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tagOthers(t, w, others)
			write(t, w, tt.rule)
			s := w.open(t)
			before := schedules(t, s)
			planned, err := s.Power(t.Context(), app.PowerInput{DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			var stops, running []string
			for _, a := range planned.Summary.Stopped {
				stops = append(stops, a.Name)
			}
			for _, i := range w.sandbox.Instances(sandbox.DefaultRegion) {
				if i.Tags["AutoStopStart"] == "Yes" && i.State == "running" && !slices.Contains(tt.left, i.Tags["Name"]) {
					running = append(running, i.Tags["Name"])
				}
			}
			slices.Sort(stops)
			slices.Sort(running)
			if diff := cmp.Diff(running, stops); diff != "" {
				t.Errorf("plan (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(stops, before.running); diff != "" {
				t.Errorf("the report's schedules (-plan +report)\n%s", diff)
			}
			if before.forecast != len(before.all) {
				t.Errorf("the forecast has %d machines, the report %d with a schedule", before.forecast, len(before.all))
			}

			// Once it was refused the stop of a protected machine is foreseen no more.
			if _, err := s.Power(t.Context(), app.PowerInput{Wait: time.Minute}); err != nil {
				t.Fatal(err)
			}
			after := schedules(t, s)
			protected := func(found scheduled) bool { return slices.Contains(found.all, "vpn-gateway") }
			if len(after.running) != 0 || !protected(before) || protected(after) || after.forecast != len(after.all) {
				t.Errorf("after the stop: %+v, before %+v", after, before)
			}
		})
	}
	t.Run("recommendations", func(t *testing.T) {
		w := newWorld(t)
		tagOthers(t, w, others)
		write(t, w, "{ tag: Schedule=office-hours, schedule: office-hours, include_managed: true }")
		report, err := w.open(t).Report(t.Context(), app.ReportInput{})
		if err != nil {
			t.Fatal(err)
		}
		var advised []string
		for _, r := range report.Recommendations {
			if r.Code == recommend.RunsAllNight {
				advised = append(advised, r.Name)
			}
		}
		for _, name := range slices.Concat(never, managed) {
			if slices.Contains(advised, name) {
				t.Errorf("%s is advised to follow a schedule", name)
			}
		}
		if len(advised) == 0 {
			t.Error("nothing is advised to follow a schedule")
		}
	})
}

// scheduled are the machines that follow a schedule: those of the report that run,
// all of the report, and those of the forecast.
type scheduled struct {
	running, all []string
	forecast     int
}

func schedules(t *testing.T, s *app.Session) scheduled {
	t.Helper()
	var found scheduled
	report, err := s.Report(t.Context(), app.ReportInput{Hours: cost.AssumedHours})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range report.Instances {
		if i.Schedule == "" {
			continue
		}
		found.all = append(found.all, i.Name)
		if i.State == fleet.Running {
			found.running = append(found.running, i.Name)
		}
	}
	slices.Sort(found.running)
	forecast, err := s.Forecast(t.Context(), app.ForecastInput{Days: 7})
	if err != nil {
		t.Fatal(err)
	}
	found.forecast = forecast.Total.Machines
	return found
}

func write(t *testing.T, w *world, rule string) {
	t.Helper()
	text := "timezone: Asia/Seoul\nregions: [ap-northeast-2]\nschedules:\n  office-hours: Mon-Fri 08:00-19:00\npower:\n  rules:\n    - " + rule + "\n"
	if err := os.WriteFile(w.config.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
