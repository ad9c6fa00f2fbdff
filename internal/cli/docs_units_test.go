package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDeployFilesCallCommands holds the commands in units, manifests and the
// image's description against the command line: each is one with these flags.
func TestDeployFilesCallCommands(t *testing.T) {
	for _, tt := range []struct {
		pattern, call string // call has one group: the arguments
		want          int    // how many calls there are at least
	}{
		{"deploy/systemd/*.service", `(?m)^ExecStart=/usr/local/bin/nightshift (.*)$`, 3},
		{"deploy/kubernetes/*.yaml", `(?m)^ +args: \[(.*)\]$`, 2},
		{"deploy/kubernetes/daemon.yaml", `(?m)^ +args:\n((?: +- .*\n)+)`, 1},
		{"deploy/docker/Dockerfile", `(?m)nightshift\.yaml:ro" nightshift (.*)$`, 1},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(tt.pattern)))
			if err != nil {
				t.Fatal(err)
			}
			calls := 0
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range regexp.MustCompile(tt.call).FindAllStringSubmatch(string(text), -1) {
					calls++
					callsCommand(t, file, strings.Fields(strings.NewReplacer(",", " ", "\n            - ", " ", "            - ", "").Replace(m[1])))
				}
			}
			if calls < tt.want {
				t.Errorf("%d commands found, want at least %d", calls, tt.want)
			}
		})
	}
}

// callsCommand fails where the arguments are no command with these flags.
func callsCommand(t *testing.T, file string, args []string) {
	t.Helper()
	command, rest, err := testRoot().Find(args)
	if err == nil && !command.Runnable() {
		t.Errorf("%s: %q is no command", file, args)
		return
	}
	if err == nil {
		err = command.ParseFlags(rest)
	}
	if err == nil {
		err = command.ValidateArgs(command.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: %q: %v", file, args, err)
	}
}

// TestUnits lets systemd read the units.
func TestUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	files, err := filepath.Glob("../../deploy/systemd/nightshift*")
	if err != nil || len(files) != 5 {
		t.Fatalf("%q, %v: want three services and two timers", files, err)
	}
	dir := t.TempDir()
	command := exec.Command(analyze, "verify", "--man=no")
	command.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, filepath.Base(file))
		// What a unit calls must be there.
		text = []byte(strings.Replace(string(text), "ExecStart=/usr/local/bin/nightshift", "ExecStart=/bin/true", 1))
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			t.Fatal(err)
		}
		command.Args = append(command.Args, copied)
	}
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestManifests lets kubectl read the manifests, as far as it does without a
// cluster.
func TestManifests(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	for name, images := range map[string]int{"nightshift.yaml": 2, "daemon.yaml": 1} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			name:                 document(t, "deploy/kubernetes/"+name),
			"kustomization.yaml": "namespace: other\nimages: [{ name: nightshift, newName: registry.example.com/nightshift, newTag: v1 }]\nresources: [" + name + "]\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command(kubectl, "kustomize", dir).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if n := strings.Count(string(out), "image: registry.example.com/nightshift:v1"); n != images {
			t.Errorf("%s: %d of the %d containers have the image that was set", name, n, images)
		}
	}
}
