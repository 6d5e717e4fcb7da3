package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is wanted anew")

// write puts a configuration into a folder of its own and returns its path.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lede.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, text string, environ ...string) *Config {
	t.Helper()
	cfg, err := Load(write(t, text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const small = `base_url: https://news.example.org/
relays:
  - id: main
    host: localhost
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@Example.org>
    lists: [harbour]
    sources:
      - id: desk
        folder: stories
`

func TestBroken(t *testing.T) {
	const file = "testdata/broken.txtar"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, f := range archive.Files {
		texts[f.Name] = string(f.Data)
	}
	for i, f := range archive.Files {
		name, isWant := strings.CutSuffix(f.Name, ".want")
		if !isWant {
			continue
		}
		t.Run(name, func(t *testing.T) {
			path := write(t, texts[name])
			_, err := Load(path, strings.Split(texts[name+".env"], "\n"))
			if err == nil {
				t.Fatal("no problem found")
			}
			var problems Problems
			if !errors.As(err, &problems) {
				t.Errorf("%T, want Problems", err)
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "") + "\n"
			if strings.Contains(got, "hunter2") {
				t.Errorf("a password is told:\n%s", got)
			}
			if *update {
				archive.Files[i].Data = []byte(got)
				return
			}
			if diff := cmp.Diff(string(f.Data), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDefaults(t *testing.T) {
	cfg := load(t, small)
	dir := filepath.Dir(cfg.Path)

	relay := defaultRelay()
	relay.ID, relay.Host = "main", "localhost"
	newsletter := defaultNewsletter()
	newsletter.ID, newsletter.Name, newsletter.Relay = "harbour", "The Harbour Letter", "main"
	newsletter.From = Mailbox{Name: "The Harbour Letter", Address: "letter@Example.org"}
	newsletter.ListID, newsletter.FeedbackSender = "harbour.example.org", "exampleorg"
	newsletter.Lists = []string{"harbour"}
	source := defaultSource()
	source.ID, source.Folder = "desk", filepath.Join(dir, "stories")
	newsletter.Sources = []Source{source}
	newsletter.Sections = []Section{defaultSection()}
	want := &Config{
		Data: filepath.Join(dir, "lede.db"), BaseURL: "https://news.example.org", Listen: "127.0.0.1:9000",
		Log:    Log{Format: "auto", Level: "info"},
		API:    API{Requests: 600},
		Relays: []Relay{relay}, Newsletters: []Newsletter{newsletter},
		Path: filepath.Join(dir, "lede.yaml"),
	}
	zones := cmp.Comparer(func(a, b TimeZone) bool { return a.Location.String() == b.Location.String() })
	if diff := cmp.Diff(want, cfg, zones); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOverrides(t *testing.T) {
	cfg := load(t, small+`  - id: night-boat
    name: The Night Boat
    from: boat@example.org
    lists: [harbour]
    relay: main
    sources: [{id: site, feed: old.xml}]
`,
		"LEDE_BASE_URL=https://other.example.org",
		"LEDE_DATA=/var/lib/lede/lede.db",
		"LEDE_LOG_FORMAT=json",
		"LEDE_RELAYS_MAIN_USERNAME=ines",
		"LEDE_RELAYS_MAIN_PASSWORD=${not} a variable",
		"LEDE_RELAYS_MAIN_RETRY_FIRST=5m",
		"LEDE_RELAYS_OTHER_HOST=nobody.example.org",
		"LEDE_RELAYS_MAIN_ID=other",
		"LEDE_NEWSLETTERS_NIGHT_BOAT_SCHEDULE=0 22 * * *",
		"LEDE_NEWSLETTERS_NIGHT_BOAT_NUMBERED=true",
		"LEDE_NEWSLETTERS_NIGHT_BOAT_LISTS=harbour, crew",
		"LEDE_NEWSLETTERS_NIGHT_BOAT_EDITOR_NAME=Ines Okafor",
		"LEDE_NEWSLETTERS_NIGHT_BOAT_SOURCES_SITE_FEED=https://example.org/feed.xml",
		"LEDE_NEWSLETTERS_NIGHT_BOAT_DKIM_COLOUR=red",
		"LEDE_VERBOSE=yes",
	)
	boat, relay := cfg.Newsletters[1], cfg.Relays[0]
	for what, pair := range map[string][2]any{
		"base_url":     {cfg.BaseURL, "https://other.example.org"},
		"data":         {cfg.Data, "/var/lib/lede/lede.db"},
		"log.format":   {cfg.Log.Format, "json"},
		"id":           {relay.ID, "main"},
		"host":         {relay.Host, "localhost"},
		"username":     {relay.Username, "ines"},
		"password":     {string(relay.Password), "${not} a variable"},
		"retry.first":  {relay.Retry.First, Duration(5 * time.Minute)},
		"longest":      {relay.Retry.Longest, Duration(time.Hour)},
		"schedule":     {boat.Schedule, "0 22 * * *"},
		"numbered":     {boat.Numbered, true},
		"editor.name":  {boat.Editor.Name, "Ines Okafor"},
		"sources.feed": {boat.Sources[0].Feed, "https://example.org/feed.xml"},
		"its schedule": {cfg.Newsletters[0].Schedule, ""},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	if want := []string{"harbour", "crew"}; !slices.Equal(boat.Lists, want) {
		t.Errorf("lists: got %v, want %v", boat.Lists, want)
	}
	if boat.DKIM != nil {
		t.Error("an unknown variable made a dkim")
	}
}

func TestVariables(t *testing.T) {
	cfg := load(t, strings.Replace(small, "host: localhost", `host: ${HOST}
    port: ${PORT}
    username: "${WHO}${EMPTY}"
    password: ${PASSWORD}`, 1)+"    numbered: ${YES}\n    place: $${HOST} for $5\n    reason: ${NULL}\n",
		"HOST=smtp.example.org", "PORT=2525", "WHO=ines", "EMPTY=", "PASSWORD=true: [x] # ${HOST}", "YES=true", "NULL=null")
	relay, newsletter := cfg.Relays[0], cfg.Newsletters[0]
	if relay.Host != "smtp.example.org" || relay.Port != 2525 || relay.Username != "ines" || !newsletter.Numbered {
		t.Errorf("got %+v, numbered %v", relay, newsletter.Numbered)
	}
	if got, want := string(relay.Password), "true: [x] # ${HOST}"; got != want {
		t.Errorf("password %q, want %q", got, want)
	}
	if newsletter.Place != "${HOST} for $5" || newsletter.Reason != "null" {
		t.Errorf("place %q, reason %q", newsletter.Place, newsletter.Reason)
	}
}

func TestYAML(t *testing.T) {
	// What is quoted, dated, anchored and merged means what it says.
	cfg := load(t, strings.Replace(small, "  - id: harbour\n", "  - &harbour\n    id: harbour\n", 1)+`    place: 0123
    not_on: [12-25, 2027-03-26, "01-01"]
    editor: &ines {name: Ines Okafor}
  - <<: *harbour
    id: evening
    name: 'Evening: Boat'
    editor: *ines
`)
	first, second := cfg.Newsletters[0], cfg.Newsletters[1]
	if first.Place != "0123" || !slices.Equal(first.NotOn, []string{"12-25", "2027-03-26", "01-01"}) {
		t.Errorf("place %q, not_on %q", first.Place, first.NotOn)
	}
	if second.ID != "evening" || second.Name != "Evening: Boat" || second.Place != "0123" || second.Editor.Name != "Ines Okafor" || second.Sources[0].ID != "desk" {
		t.Errorf("got %+v", second)
	}
}

func TestImpliedPort(t *testing.T) {
	for text, want := range map[string]int{
		"tls: implicit": 465, "tls: starttls": 587, "tls: none": 587, "{}": 587,
		"tls: implicit\n    port: 587": 587,
	} {
		cfg := load(t, strings.Replace(small, "host: localhost", "host: localhost\n    "+strings.TrimPrefix(text, "{}"), 1))
		if got := cfg.Relays[0].Port; got != want {
			t.Errorf("%s: port %d, want %d", text, got, want)
		}
	}
}

func TestClearTextOnLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.8.9.1": true, "'::1'": true, "smtp.example.org": false, "10.0.0.1": false} {
		text := strings.Replace(small, "host: localhost", "host: "+host+"\n    tls: none\n    username: ines\n    password: ${P}", 1)
		_, err := Load(write(t, text), []string{"P=hunter2"})
		if (err == nil) != want {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	path := write(t, strings.Replace(small, "host: localhost", "host: localhost\n    username: ines\n    password: hunter2", 1)+
		"    dkim: {domain: example.org, selector: lede, key: dkim.pem}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "dkim.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	warnings := func(mode os.FileMode, environ ...string) int {
		t.Helper()
		for _, file := range []string{path, filepath.Join(filepath.Dir(path), "dkim.pem")} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := Load(path, environ)
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(cfg.Warnings, "\n"); strings.Contains(all, "hunter2") {
			t.Errorf("a password is told: %s", all)
		}
		return len(cfg.Warnings)
	}
	if n := warnings(0o600); n != 0 {
		t.Errorf("%d warnings of private files", n)
	}
	if n := warnings(0o644); n != 2 {
		t.Errorf("%d warnings of a file with a password and a key that all can read, want 2", n)
	}
	if n := warnings(0o644, "LEDE_RELAYS_MAIN_PASSWORD=other"); n != 1 {
		t.Errorf("%d warnings with the password overridden, want 1", n)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, []byte(strings.Repeat("# sand\n", maxFile/7+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:                            "empty", // nobody writes to it, and nobody waits
		filepath.Join(dir, "none.yaml"): "there is no such file\nhint: `lede init DIR`",
		dir:                             "this is a folder, not a file",
		big:                             "more than 1 MB",
	} {
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, path := range []string{"x.yaml", "xdg/lede/lede.yaml", "home/.config/lede/lede.yaml"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home, xdg := "HOME="+filepath.Join(dir, "home"), "XDG_CONFIG_HOME="+filepath.Join(dir, "xdg")
	tests := map[string]struct {
		flag    string
		environ []string
		want    string // of the path's end, or of the error
	}{
		"flag":           {"x.yaml", []string{"LEDE_CONFIG=other.yaml", home}, "x.yaml"},
		"flag, missing":  {"none.yaml", []string{"LEDE_CONFIG=x.yaml", home}, "none.yaml: there is no such file"},
		"variable":       {"", []string{"LEDE_CONFIG=x.yaml", home}, "x.yaml"},
		"variable wrong": {"", []string{"LEDE_CONFIG=none.yaml", home}, "LEDE_CONFIG: none.yaml: there is no such file"},
		"xdg":            {"", []string{home, xdg}, "xdg/lede/lede.yaml"},
		"home":           {"", []string{home, "XDG_CONFIG_HOME=relative"}, "home/.config/lede/lede.yaml"},
		"nowhere":        {"", []string{"HOME=/nonexistent"}, "no configuration: there is no lede.yaml, no /nonexistent/.config/lede/lede.yaml, no /etc/lede/lede.yaml\nhint: `lede init DIR`"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path, err := Find(tc.flag, tc.environ)
			if err != nil && strings.Contains(err.Error(), tc.want) || err == nil && strings.HasSuffix(path, tc.want) {
				return
			}
			t.Errorf("got %q, %v, want %q", path, err, tc.want)
		})
	}
	if err := os.WriteFile("lede.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if path, _ := Find("", []string{home, xdg}); path != "lede.yaml" {
		t.Errorf("with a lede.yaml here: %s", path)
	}
}
