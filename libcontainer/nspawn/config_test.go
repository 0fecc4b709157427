package nspawn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Config
		warning    string
		fails      string
	}{
		{"empty", "", Config{Register: true}, "", ""},
		{"all", "# c\nboot-mode = \"no\" # why\nkeep-sigterm=true\nregister = false # x\n", Config{Boot: No, KeepSIGTERM: true}, "", ""},
		{"literal string", "boot-mode = 'yes'", Config{Boot: Yes, Register: true}, "", ""},
		{"unknown key", "\nboots = \"x\"\n", Config{Register: true}, `line 2: unknown key "boots"`, ""},
		{"key in a table", "[later] # t\nboot-mode = \"no\"\n", Config{Register: true}, `line 2: unknown key "later.boot-mode"`, ""},
		{"bad mode", "boot-mode = \"perhaps\"", Config{}, "", `line 1: boot mode "perhaps"`},
		{"bad boolean", "register = \"yes\"", Config{}, "", "want true or false"},
		{"no value", "boot-mode =", Config{}, "", "line 1: want key = value"},
		{"open string", "boot-mode = \"no", Config{}, "", "has no end"},
		{"rubbish after", `boot-mode = "no" x`, Config{}, "", "after the string"},
		{"escape", `boot-mode = "\u0041"`, Config{}, "", "escapes"},
		{"open table", "[x\n", Config{}, "", "want key = value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, warnings, err := ParseConfig(c.text)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil || got != c.want || strings.Join(warnings, "\n") != c.warning {
				t.Errorf("ParseConfig = %+v, %q, %v", got, warnings, err)
			}
		})
	}
}

func TestReadConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if got, _, err := ReadConfig(file); err != nil || got != (Config{Register: true}) {
		t.Errorf("absent file: %+v, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("boot-mode = 1x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadConfig(file); err == nil || !strings.HasPrefix(err.Error(), file+": line 1:") {
		t.Errorf("error %v does not name file and line", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("boot-mode = \"auto\"\n[t]\nx=1\n")
	f.Add("a = 'b' # c")
	f.Add("[")
	f.Add("=\"")
	f.Fuzz(func(t *testing.T, text string) {
		config, _, err := ParseConfig(text)
		if err != nil && config != (Config{}) {
			t.Error("an error came with a configuration")
		}
	})
}
