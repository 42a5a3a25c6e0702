package ui

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

var token = regexp.MustCompile(`--([a-z0-9-]+):\s*light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)`)

func luminance(hex string) float64 {
	v, _ := strconv.ParseUint(hex, 16, 32) // the pattern allows nothing else
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(v>>(8*i)&255) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// TestContrast computes that all text can be read on all surfaces, and all that
// is not text be seen, in both themes.
func TestContrast(t *testing.T) {
	sheet, err := os.ReadFile("css/1-tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := [2]map[string]string{{}, {}}
	for _, m := range token.FindAllStringSubmatch(string(sheet), -1) {
		themes[0][m[1]], themes[1][m[1]] = m[2], m[3]
	}
	surfaces := []string{"paper", "sheet", "sunk", "float", "cursor-tint", "crit-tint", "warn-tint", "hold-tint"}
	pairs := 0
	for name, theme := range map[string]map[string]string{"light": themes[0], "dark": themes[1]} {
		check := func(text, surface string, least float64) {
			pairs++
			if theme[text] == "" || theme[surface] == "" {
				t.Fatalf("there is no token %s or %s", text, surface)
			}
			if c := contrast(theme[text], theme[surface]); c < least {
				t.Errorf("%s: %s on %s has %.2f:1, at least %.1f", name, text, surface, c, least)
			}
		}
		for _, surface := range surfaces {
			check("ink", surface, 7)
			check("ink-2", surface, 4.5)
		}
		for _, surface := range surfaces[:4] {
			for _, text := range []string{"ink-3", "cursor", "crit", "warn", "hold", "green", "violet"} {
				check(text, surface, 4.5)
			}
			for _, drawing := range []string{"line-2", "s1", "s2", "s3", "s4", "s5"} {
				check(drawing, surface, 3)
			}
		}
		for _, state := range []string{"crit", "warn", "hold"} {
			check(state, state+"-tint", 4.5)
		}
		check("on-cursor", "cursor", 4.5)
		check("on-crit", "crit", 4.5)
	}
	if pairs < 100 {
		t.Errorf("only %d pairs were looked at", pairs)
	}
}
