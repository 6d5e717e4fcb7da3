package audience_test

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lede/audience"
	"lede/store"
)

// exports is the folder of other services' exports; without it a test that needs
// them is skipped, but not in CI.
func exports(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", "exports")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return dir
}

// exportState is what became of a person.
func exportState(p audience.Person) string {
	state := "none"
	if len(p.Subscriptions) > 0 {
		state = string(p.Subscriptions[0].State)
	}
	if p.Suppressed != "" {
		state = "suppressed:" + p.Suppressed
	}
	return state
}

// exportCases are the files with the states that their services' values mean;
// who isn't named is active.
var exportCases = []struct {
	file   string
	o      audience.ImportOptions
	people int // stored
	states map[string]string
}{
	{"listmonk-subscribers.csv", audience.ImportOptions{}, 6, map[string]string{"disabled.reader@example.org": "unsubscribed", "gone@example.com": "unsubscribed"}},
	{"keila-contacts.csv", audience.ImportOptions{}, 5, map[string]string{"per.lindqvist@example.org": "unsubscribed", "old.address@example.com": "suppressed:bounce"}},
	{"mailtrain-subscriptions.csv", audience.ImportOptions{}, 5, map[string]string{"per.lindqvist@example.org": "unsubscribed", "old.address@example.com": "suppressed:bounce", "annoyed@example.org": "suppressed:complaint"}},
	{"phplist-export.csv", audience.ImportOptions{}, 6, map[string]string{"not.yet@example.net": "pending", "per.lindqvist@example.org": "unsubscribed", "old.address@example.com": "suppressed:bounce", "disabled@example.org": "unsubscribed"}},
	{"ghost-members.csv", audience.ImportOptions{}, 5, map[string]string{"per.lindqvist@example.org": "unsubscribed", "bounced.or.left@example.com": "unsubscribed"}},
	{"ghost-members-2026.csv", audience.ImportOptions{}, 5, map[string]string{"per.lindqvist@example.org": "unsubscribed", "bounced.or.left@example.com": "unsubscribed"}},
	{"mailchimp/subscribed_email_audience_export_5c0ffee123.csv", audience.ImportOptions{}, 4, nil},
	{"mailchimp/subscribed_members_export_5c0ffee123.csv", audience.ImportOptions{}, 3, nil},
	{"mailchimp/unsubscribed_email_audience_export_5c0ffee123.csv", audience.ImportOptions{}, 3, map[string]string{"*": "unsubscribed"}},
	{"mailchimp/cleaned_email_audience_export_5c0ffee123.csv", audience.ImportOptions{}, 2, map[string]string{"*": "suppressed:bounce"}},
	{"mailchimp/nonsubscribed_email_audience_export_5c0ffee123.csv", audience.ImportOptions{}, 0, nil},
	{"mailchimp/audience_export_5c0ffee123.zip", audience.ImportOptions{}, 9, map[string]string{
		"per.lindqvist@example.org": "unsubscribed", "annoyed@example.org": "unsubscribed", "admin.removed@example.com": "unsubscribed",
		"old.address@example.com": "suppressed:bounce", "typo@example.net": "suppressed:bounce",
	}},
	{"mailchimp", audience.ImportOptions{}, 11, map[string]string{
		"per.lindqvist@example.org": "unsubscribed", "annoyed@example.org": "unsubscribed", "admin.removed@example.com": "unsubscribed",
		"old.address@example.com": "suppressed:bounce", "typo@example.net": "suppressed:bounce",
	}},
	{"substack-email_list.csv", audience.ImportOptions{}, 5, map[string]string{"patron@example.net": "unsubscribed", "per.lindqvist@example.org": "unsubscribed"}},
	{"substack-email_list-2021.csv", audience.ImportOptions{}, 4, map[string]string{"patron@example.net": "unsubscribed", "per.lindqvist@example.org": "unsubscribed"}},
	{"substack-subscribers-2021.csv", audience.ImportOptions{}, 4, map[string]string{"patron@example.net": "unsubscribed"}},
	{"beehiiv-subscribers.csv", audience.ImportOptions{}, 5, map[string]string{"not.yet@example.net": "pending", "per.lindqvist@example.org": "unsubscribed", "quiet@example.com": "unsubscribed"}},
	{"buttondown-subscribers.csv", audience.ImportOptions{}, 7, map[string]string{
		"not.yet@example.net": "pending", "per.lindqvist@example.org": "unsubscribed", "banned@example.com": "unsubscribed",
		"old.address@example.com": "suppressed:bounce", "annoyed@example.org": "suppressed:complaint",
	}},
	{"sendy", audience.ImportOptions{}, 7, map[string]string{
		"not.yet@example.net": "pending", "per.lindqvist@example.org": "unsubscribed",
		"old.address@example.com": "suppressed:bounce", "annoyed@example.org": "suppressed:complaint",
	}},
	{"sendy/harbour-letter-active.csv", audience.ImportOptions{}, 3, nil},
	{"sendy/harbour-letter-bounced.csv", audience.ImportOptions{}, 1, map[string]string{"*": "suppressed:bounce"}},
	{"mailpoet-export.csv", audience.ImportOptions{}, 5, map[string]string{"not.yet@example.net": "pending", "per.lindqvist@example.org": "unsubscribed", "old.address@example.com": "suppressed:bounce"}},
	{"mautic-contacts.csv", audience.ImportOptions{State: "active"}, 4, nil},
	{"mautic-contacts.csv", audience.ImportOptions{State: "unsubscribed"}, 4, map[string]string{"*": "unsubscribed"}},
	{"mailerlite-subscribers.csv", audience.ImportOptions{}, 4, nil},
	{"medium-members.txt", audience.ImportOptions{}, 4, nil},
}

// importExport imports a file, a folder or a zip as the command does.
func importExport(t testing.TB, st *store.Store, file string, o audience.ImportOptions) (audience.Result, error) {
	t.Helper()
	o.Store, o.List, o.Name = st, "harbour", filepath.Base(file)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	var files fs.FS
	switch {
	case info.IsDir():
		files = os.DirFS(file)
	case strings.HasSuffix(file, ".zip"):
		archive, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		files = archive
	default:
		return audience.ImportFiles(t.Context(), []audience.Part{{Name: filepath.Base(file), Open: func() (io.ReadCloser, error) { return os.Open(file) }}}, o)
	}
	parts, _, err := audience.Parts(files)
	if err != nil {
		t.Fatal(err)
	}
	return audience.ImportFiles(t.Context(), parts, o)
}

// everyone returns the addresses that exports name.
func everyone(t testing.TB, dir string) []string {
	var all []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".zip") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(",\"\t\n\r ", r) }) {
			if _, key, _, err := audience.ParseAddress(word); err == nil && !slices.Contains(all, key) {
				all = append(all, key)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestExports(t *testing.T) {
	dir := exports(t)
	all := everyone(t, dir)
	for i, tt := range exportCases {
		t.Run(tt.file+" "+tt.o.State, func(t *testing.T) {
			st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			var survey audience.Survey
			o := tt.o
			o.Survey = &survey
			res, err := importExport(t, st, filepath.Join(dir, tt.file), o)
			if err != nil || res.Rejected > 0 {
				t.Fatalf("%+v, %v %v", res, err, survey.Rejects)
			}
			people := 0
			for _, key := range all {
				p, err := st.Person(t.Context(), key)
				if err != nil {
					continue
				}
				people++
				want := "active"
				for _, address := range []string{"*", p.Address} {
					if s, ok := tt.states[address]; ok {
						want = s
					}
				}
				if got := exportState(p); got != want {
					t.Errorf("%s is %s, want %s", p.Address, got, want)
				}
				if exportCases[i].file == "buttondown-subscribers.csv" && !strings.HasPrefix(p.Created.Format(time.DateOnly), "20") {
					t.Errorf("%s was made at %s", p.Address, p.Created)
				}
			}
			if people != tt.people {
				t.Errorf("%d people, want %d (%+v)", people, tt.people, res)
			}
			again, err := importExport(t, st, filepath.Join(dir, tt.file), tt.o)
			if err != nil || again.New+again.Updated > 0 || again.Rows != res.Rows {
				t.Errorf("again: %+v, %v", again, err)
			}
			t.Logf("%+v %+v", res, survey)
		})
	}
}

// However the exports of all services follow each other, nobody comes back who
// is unsubscribed or suppressed in any of them.
func TestNoOrderOfExportsRevives(t *testing.T) {
	dir := exports(t)
	all := everyone(t, dir)
	strength := map[string]int{"pending": 1, "active": 2, "unsubscribed": 3}
	rank := func(state string) int {
		if strings.HasPrefix(state, "suppressed") {
			return 4
		}
		return strength[state]
	}
	n := 0
	folder := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		n++
		st, err := store.Open(t.Context(), filepath.Join(folder, fmt.Sprintf("%d.db", n)))
		if err != nil {
			rt.Fatal(err)
		}
		defer st.Close()
		was := map[string]int{}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(exportCases)-1), 1, 6).Draw(rt, "files") {
			tt := exportCases[i]
			if _, err := importExport(t, st, filepath.Join(dir, tt.file), tt.o); err != nil {
				rt.Fatal(err)
			}
			for _, key := range all {
				p, err := st.Person(t.Context(), key)
				if err != nil {
					continue
				}
				now := rank(exportState(p))
				if now < was[key] {
					rt.Errorf("after %s: %s is %s, and was stronger", tt.file, key, exportState(p))
				}
				was[key] = now
			}
		}
	})
}

// Mautic's file says of nobody that it left.
func TestMauticAsks(t *testing.T) {
	dir := exports(t)
	_, err := importExport(t, nil, filepath.Join(dir, "mautic-contacts.csv"), audience.ImportOptions{})
	if err == nil || !strings.Contains(err.Error(), "--state") {
		t.Errorf("got %v", err)
	}
}

// Whoever Mailtrain erased stays away, whether the address comes later or was
// there before.
func TestErasedStayAway(t *testing.T) {
	const address = "gone.away@news.example"
	file := "cid,status,HASH_EMAIL,EMAIL\nx,unsubscribed," + audience.MailtrainHash(address) + ",\n"
	people := "email\n" + address + "\nona@news.example\n"
	for _, order := range [][]string{{file, people}, {people, file}} {
		st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range order {
			if _, err := audience.Import(t.Context(), strings.NewReader(text), audience.ImportOptions{List: "harbour", Store: st}); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := st.Audience(t.Context(), "letter", []string{"harbour"}); err != nil || n != 1 {
			t.Errorf("audience %d, %v", n, err)
		}
		st.Close()
	}
}
