package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const deployDir = "../../deploy"

// composition is what is looked at of a compose file.
type composition struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       *struct{ Context, Dockerfile string }
	Command     []string
	NetworkMode string `yaml:"network_mode"`
	Environment any
	Ports       []string
	Volumes     []string
	DependsOn   []string `yaml:"depends_on"`
}

// decoded reads a YAML file of deploy.
func decoded[T any](t *testing.T, name string) T {
	t.Helper()
	var out T
	if err := yaml.Unmarshal(read(t, filepath.Join(deployDir, name)), &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// TestCompose: what the file mounts and builds is there, images are of one version, and
// nothing is published beyond this machine.
func TestCompose(t *testing.T) {
	c := decoded[composition](t, "compose.yaml")
	exact := regexp.MustCompile(`^[a-z]+/[a-z]+:v?\d+\.\d+\.\d+$`)
	for name, s := range c.Services {
		switch {
		case s.Build != nil:
			context := filepath.Join(deployDir, s.Build.Context)
			mustExist(t, name, context)
			mustExist(t, name, filepath.Join(context, s.Build.Dockerfile))
		case !exact.MatchString(s.Image):
			t.Errorf("%s: the image %q is not of one version", name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: publishes %s", name, p)
			}
		}
		for _, v := range s.Volumes {
			if strings.HasPrefix(v, "${") { // the reader names it
				continue
			}
			source, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[source]; named {
				continue
			}
			mustExist(t, name, filepath.Join(deployDir, source))
			if !strings.HasSuffix(v, ":ro") {
				t.Errorf("%s: may write to %s", name, v)
			}
		}
		for _, other := range s.DependsOn {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s: depends on %s", name, other)
			}
		}
	}
}

func mustExist(t *testing.T, who, file string) {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Errorf("%s: %v", who, err)
	}
}

// mounted is what a service finds at a path, as a path of this repository.
func (c composition) mounted(t *testing.T, name, at string) string {
	t.Helper()
	found, long := "", 0
	for _, v := range c.Services[name].Volumes {
		parts := strings.Split(v, ":")
		target := parts[len(parts)-2]
		if rest, ok := strings.CutPrefix(at, target); ok && len(target) > long && !strings.HasPrefix(v, "${") {
			found, long = filepath.Join(deployDir, parts[0], rest), len(target)
		}
	}
	if found == "" {
		t.Fatalf("%s mounts nothing at %s", name, at)
	}
	mustExist(t, name, found)
	return found
}

// TestComposeFits: nightshift listens where Prometheus scrapes, with flags that it has;
// Prometheus finds its configuration and Grafana the dashboards and the data source.
func TestComposeFits(t *testing.T) {
	c := decoded[composition](t, "compose.yaml")
	scrapes := decoded[struct {
		Global struct {
			ScrapeInterval string `yaml:"scrape_interval"`
		}
		ScrapeConfigs []struct {
			JobName       string                       `yaml:"job_name"`
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}](t, "prometheus/prometheus.yaml")
	_, reference, _ := strings.Cut(string(read(t, "../../docs/reference.md")), "\n## nightshift serve\n")
	reference, _, _ = strings.Cut(reference, "\n## ")
	listens := regexp.MustCompile(`--listen string\s.*\(default "([\d.:]+)"\)`).FindStringSubmatch(reference)
	if listens == nil || !slices.Equal(scrapes.ScrapeConfigs[0].StaticConfigs[0].Targets, []string{listens[1]}) {
		t.Errorf("nightshift listens at %q, Prometheus scrapes %q", listens, scrapes.ScrapeConfigs[0].StaticConfigs)
	}
	nightshift := c.Services["nightshift"]
	if nightshift.NetworkMode != "service:prometheus" {
		t.Errorf("on loopback nightshift is reached in the network of Prometheus alone, not in %q", nightshift.NetworkMode)
	}
	for _, word := range nightshift.Command {
		if strings.HasPrefix(word, "--") && word != "--config" && !strings.Contains(reference, word+" ") {
			t.Errorf("nightshift has no flag %s", word)
		}
	}
	// A mounted file would not be followed where an editor replaces it, and calendars lie beside it.
	folder := path.Dir(nightshift.Command[len(nightshift.Command)-1])
	if !slices.ContainsFunc(nightshift.Volumes, func(v string) bool { return strings.HasSuffix(v, ":"+folder+":ro") }) {
		t.Errorf("%s is not mounted: %v", folder, nightshift.Volumes)
	}
	for _, word := range c.Services["prometheus"].Command {
		if file, ok := strings.CutPrefix(word, "--config.file="); ok {
			if got := c.mounted(t, "prometheus", file); got != filepath.Join(deployDir, "prometheus", "prometheus.yaml") {
				t.Errorf("Prometheus reads %s", got)
			}
		}
	}
	sources := decoded[struct {
		Datasources []struct {
			Type, URL string
			JSONData  struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}](t, "grafana/provisioning/datasources/prometheus.yaml").Datasources
	if len(sources) != 1 || sources[0].URL != "http://prometheus:9090" || sources[0].Type != string(fromPrometheus) || sources[0].JSONData.TimeInterval != scrapes.Global.ScrapeInterval {
		t.Errorf("the data source is %+v", sources)
	}
	providers := decoded[struct {
		Providers []struct {
			AllowUIUpdates bool `yaml:"allowUiUpdates"`
			Options        struct{ Path string }
		}
	}](t, "grafana/provisioning/dashboards/nightshift.yaml").Providers
	dir := providers[0].Options.Path
	for _, f := range files(t) {
		c.mounted(t, "grafana", path.Join(dir, f.name))
	}
	if providers[0].AllowUIUpdates {
		t.Error("the dashboards can be changed in Grafana")
	}
	c.mounted(t, "grafana", "/etc/grafana/provisioning/dashboards/nightshift.yaml")
	home := c.Services["grafana"].Environment.(map[string]any)["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].(string)
	c.mounted(t, "grafana", home)
}
