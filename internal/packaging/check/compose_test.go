package check

import (
	"os"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
)

// TestComposeFiles loads them as Docker does, by the schema of the specification:
// alone and merged. Every file that is mounted must be there.
func TestComposeFiles(t *testing.T) {
	const suite, monitoring = "../../../docker-compose.yml", "../monitoring/docker-compose.yml"
	for _, c := range []struct {
		files    []string
		services int
	}{{[]string{suite}, 3}, {[]string{suite, monitoring}, 5}} {
		options, err := cli.NewProjectOptions(c.files, cli.WithName("nsq"), cli.WithWorkingDirectory("../../.."))
		if err != nil {
			t.Fatal(err)
		}
		project, err := options.LoadProject(t.Context())
		if err != nil {
			t.Errorf("%v: %v", c.files, err)
			continue
		}
		if len(project.Services) != c.services {
			t.Errorf("%v: %d services", c.files, len(project.Services))
		}
		for name, s := range project.Services {
			if (s.Image == "nsqsuite") != (s.Build != nil) {
				t.Errorf("%s: image %s, build %v", name, s.Image, s.Build)
			}
			for _, v := range s.Volumes {
				if v.Type != "bind" {
					continue
				}
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}
