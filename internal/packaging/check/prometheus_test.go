package check

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

func TestAlerts(t *testing.T) {
	groups, errs := rulefmt.ParseFile("../monitoring/alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	n := 0
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			n++
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
				t.Errorf("%s: %+v", g.Name, r)
			}
		}
	}
	if n < 15 {
		t.Errorf("%d alerts", n)
	}
}

func TestDashboardQueries(t *testing.T) {
	text, err := os.ReadFile("../monitoring/grafana/nsq.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$topic", ".*", "$channel", ".*")
	n := 0
	for _, p := range dashboard.Panels {
		for _, q := range p.Targets {
			n++
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(variables.Replace(q.Expr)); err != nil {
				t.Errorf("%s: %s: %v", p.Title, q.Expr, err)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d queries", n)
	}
}

// TestComposeFiles reads them, and has every volume that is mounted from a file be there.
func TestComposeFiles(t *testing.T) {
	for _, file := range []string{"docker-compose.yml", "internal/packaging/monitoring/docker-compose.yml"} {
		text, err := os.ReadFile("../../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		var compose struct {
			Services map[string]struct {
				Image   string   `json:"image"`
				Volumes []string `json:"volumes"`
			} `json:"services"`
			Volumes map[string]any `json:"volumes"`
		}
		if err := yaml.Unmarshal(text, &compose); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(compose.Services) < 3 {
			t.Errorf("%s: %d services", file, len(compose.Services))
		}
		for name, s := range compose.Services {
			for _, v := range s.Volumes {
				source, _, _ := strings.Cut(v, ":")
				if path, ok := strings.CutPrefix(source, "./"); ok {
					if _, err := os.Stat("../../../" + path); err != nil {
						t.Errorf("%s: %s: %v", file, name, err)
					}
				} else if _, ok := compose.Volumes[source]; !ok {
					t.Errorf("%s: %s: there is no volume %s", file, name, source)
				}
			}
		}
	}
	for _, file := range []string{"prometheus.yml", "grafana/datasource.yml", "grafana/dashboards.yml"} {
		text, err := os.ReadFile("../monitoring/" + file)
		if err == nil {
			err = yaml.UnmarshalStrict(text, &map[string]any{})
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
