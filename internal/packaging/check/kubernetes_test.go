package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// podMonitor is of a PodMonitor what ours uses; the operator's types are not worth their weight.
type podMonitor struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		JobLabel  string `json:"jobLabel"`
		Endpoints []struct {
			Port        string `json:"port"`
			Path        string `json:"path"`
			Interval    string `json:"interval"`
			Relabelings []struct {
				SourceLabels []string `json:"sourceLabels"`
				TargetLabel  string   `json:"targetLabel"`
			} `json:"relabelings"`
		} `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

// manifests is everything in ../kubernetes.
type manifests struct {
	pods     map[string]corev1.PodTemplateSpec
	services []corev1.Service
	budgets  []policyv1.PodDisruptionBudget
	sets     []appsv1.StatefulSet
	monitor  podMonitor
}

func read(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{pods: map[string]corev1.PodTemplateSpec{}}
	files, err := filepath.Glob("../kubernetes/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(text), "\n---\n") {
			if err := m.add([]byte(document)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	return m
}

func (m *manifests) add(document []byte) error {
	var kind struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
	}
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Service":
		var s corev1.Service
		defer func() { m.services = append(m.services, s) }()
		return yaml.UnmarshalStrict(document, &s)
	case "policy/v1 PodDisruptionBudget":
		var b policyv1.PodDisruptionBudget
		defer func() { m.budgets = append(m.budgets, b) }()
		return yaml.UnmarshalStrict(document, &b)
	case "apps/v1 StatefulSet":
		var s appsv1.StatefulSet
		defer func() { m.sets, m.pods[s.Name] = append(m.sets, s), s.Spec.Template }()
		return yaml.UnmarshalStrict(document, &s)
	case "apps/v1 Deployment":
		var d appsv1.Deployment
		defer func() { m.pods[d.Name] = d.Spec.Template }()
		return yaml.UnmarshalStrict(document, &d)
	case "monitoring.coreos.com/v1 PodMonitor":
		return yaml.UnmarshalStrict(document, &m.monitor)
	}
	return nil // kustomization.yaml
}

// TestManifests has everything that names something else name what there is.
func TestManifests(t *testing.T) {
	m := read(t)
	if len(m.pods) != 3 || len(m.services) != 4 || len(m.budgets) != 2 || len(m.sets) != 2 {
		t.Fatalf("%d pods, %d services, %d budgets, %d sets", len(m.pods), len(m.services), len(m.budgets), len(m.sets))
	}
	selects := func(selector map[string]string) (found []string) {
		for name, p := range m.pods {
			all := len(selector) > 0
			for k, v := range selector {
				all = all && p.Labels[k] == v
			}
			if all {
				found = append(found, name)
			}
		}
		return found
	}
	ports := func(pod string) map[int32]string {
		found := map[int32]string{}
		for _, p := range m.pods[pod].Spec.Containers[0].Ports {
			found[p.ContainerPort] = p.Name
		}
		return found
	}
	for _, s := range m.services {
		found := selects(s.Spec.Selector)
		if len(found) != 1 {
			t.Errorf("service %s selects %v", s.Name, found)
			continue
		}
		for _, p := range s.Spec.Ports {
			if ports(found[0])[p.Port] != p.Name {
				t.Errorf("service %s: port %d is not %s's", s.Name, p.Port, found[0])
			}
		}
	}
	for _, b := range m.budgets {
		if found := selects(b.Spec.Selector.MatchLabels); len(found) != 1 || found[0] != b.Name {
			t.Errorf("budget %s selects %v", b.Name, found)
		}
	}
	for _, s := range m.sets {
		if found := selects(s.Spec.Selector.MatchLabels); len(found) != 1 || found[0] != s.Name || s.Spec.ServiceName != s.Name {
			t.Errorf("set %s selects %v, service %s", s.Name, found, s.Spec.ServiceName)
		}
	}
	if found := selects(m.monitor.Spec.Selector.MatchLabels); len(found) != len(m.pods) {
		t.Errorf("the monitor selects %v", found)
	}
	for name := range m.pods {
		if ports(name)[map[string]int32{"nsqd": 4151, "nsqlookupd": 4161, "nsqadmin": 4171}[name]] != m.monitor.Spec.Endpoints[0].Port {
			t.Errorf("%s has no port for the monitor", name)
		}
		if m.pods[name].Labels[m.monitor.Spec.JobLabel] != name {
			t.Errorf("%s: the job label is not the program", name)
		}
	}
}

// drainTime returns how long SIGTERM may drain a daemon with these arguments.
func drainTime(t *testing.T, args []string) time.Duration {
	t.Helper()
	for _, a := range args {
		if word, ok := strings.CutPrefix(a, "--drain-on-sigterm="); ok {
			d, err := time.ParseDuration(word)
			if err != nil {
				t.Error(err)
			}
			return d
		}
	}
	return 0
}

func TestPods(t *testing.T) {
	m := read(t)
	for name, p := range m.pods {
		c := p.Spec.Containers[0]
		if len(p.Spec.Containers) != 1 || c.Command[0] != "/"+name {
			t.Errorf("%s runs %v", name, c.Command)
		}
		if s := p.Spec.SecurityContext; s == nil || !*s.RunAsNonRoot || *s.RunAsUser == 0 || *c.SecurityContext.AllowPrivilegeEscalation || !*c.SecurityContext.ReadOnlyRootFilesystem {
			t.Errorf("%s has rights", name)
		}
		for what, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != what || probe.HTTPGet.Port.StrVal != "http" {
				t.Errorf("%s: %s is not probed", name, what)
			}
		}
		if drain := drainTime(t, c.Args); drain > 0 && (p.Spec.TerminationGracePeriodSeconds == nil || time.Duration(*p.Spec.TerminationGracePeriodSeconds)*time.Second < drain+10*time.Second) {
			t.Errorf("%s may be killed while it drains or exits", name)
		}
		given := map[string]bool{}
		for _, e := range c.Env {
			given[e.Name] = true
		}
		for _, a := range c.Args {
			for _, part := range strings.Split(a, "$(")[1:] {
				if v, _, _ := strings.Cut(part, ")"); !given[v] {
					t.Errorf("%s: %s is not in the environment", name, v)
				}
			}
		}
		volumes := map[string]bool{}
		for _, s := range m.sets {
			for _, v := range s.Spec.VolumeClaimTemplates {
				volumes[s.Name+"/"+v.Name] = true
			}
		}
		for _, v := range c.VolumeMounts {
			if !volumes[name+"/"+v.Name] {
				t.Errorf("%s: there is no volume %s", name, v.Name)
			}
		}
	}
}
