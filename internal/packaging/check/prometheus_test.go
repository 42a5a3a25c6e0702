package check

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
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

// TestConfigurations reads Prometheus's file by its own parser, and Grafana's as YAML.
func TestConfigurations(t *testing.T) {
	c, err := config.LoadFile("../monitoring/prometheus.yml", false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.ScrapeConfigs) != 3 || len(c.RuleFiles) != 1 {
		t.Errorf("%d jobs, %d files of rules", len(c.ScrapeConfigs), len(c.RuleFiles))
	}
	for _, file := range []string{"datasource.yml", "dashboards.yml"} {
		text, err := os.ReadFile("../monitoring/grafana/" + file)
		if err == nil {
			err = yaml.UnmarshalStrict(text, &map[string]any{})
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
