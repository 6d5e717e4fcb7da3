package audience_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lede/audience"
	"lede/store"
)

// TestNoImportRevives runs imports, leavings and suppressions in any order:
// whoever left a list or was suppressed is never active on it again, no row is
// lost, and a file that was just imported changes nothing when it comes again.
func TestNoImportRevives(t *testing.T) {
	people := []string{"ona@news.example", "bo@news.example", "zoë@bücher.example", "lu@quay.example"}
	spellings := map[string][]string{
		people[0]: {"ona@news.example", "ONA@News.Example", "<ona@news.example>", "Ona Brann <ona@NEWS.example>"},
		people[1]: {"bo@news.example", "mailto:Bo@news.example"},
		people[2]: {"zoë@bücher.example", "ZOË@xn--bcher-kva.example"},
		people[3]: {" lu@quay.example ", "Lu@quay.example"},
	}
	lists := []string{"harbour", "tides"}
	n := 0
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		ctx := t.Context()
		n++
		st, err := store.Open(ctx, filepath.Join(dir, fmt.Sprintf("%d.db", n)))
		if err != nil {
			rt.Fatal(err)
		}
		defer st.Close()
		now := time.Date(2027, 3, 1, 6, 30, 0, 0, time.UTC)
		key := func(address string) string {
			_, key, _, err := audience.ParseAddress(address)
			if err != nil {
				rt.Fatal(err)
			}
			return key
		}
		left := map[[2]string]bool{} // list, key
		suppressed := map[string]bool{}

		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			now = now.Add(time.Minute)
			list := rapid.SampledFrom(lists).Draw(rt, "list")
			who := rapid.SampledFrom(people).Draw(rt, "who")
			switch rapid.SampledFrom([]string{"import", "import", "leave", "leave all", "suppress"}).Draw(rt, "step") {
			case "import":
				var file strings.Builder
				file.WriteString("email;name;status\n")
				for range rapid.IntRange(1, 6).Draw(rt, "rows") {
					someone := rapid.SampledFrom(people).Draw(rt, "row")
					fmt.Fprintf(&file, "%s;%s;%s\n",
						rapid.SampledFrom(spellings[someone]).Draw(rt, "spelling"),
						rapid.SampledFrom([]string{"", "Someone"}).Draw(rt, "name"),
						rapid.SampledFrom([]string{"subscribed", "subscribed", "unsubscribed", "?"}).Draw(rt, "status"))
				}
				o := audience.ImportOptions{List: list, Store: st, Now: func() time.Time { return now }, ChunkRows: rapid.IntRange(1, 4).Draw(rt, "chunk")}
				first, err := audience.Import(ctx, strings.NewReader(file.String()), o)
				if err != nil {
					rt.Fatal(err)
				}
				again, err := audience.Import(ctx, strings.NewReader(file.String()), o)
				if err != nil || again.New+again.Updated != 0 || again.Rows != first.Rows || again.Rejected != first.Rejected {
					rt.Errorf("first %+v, again %+v, %v of\n%s", first, again, err, file.String())
				}
			case "leave", "leave all":
				p, err := st.Person(ctx, key(who))
				if err != nil {
					continue // not there yet
				}
				for _, s := range p.Subscriptions {
					left[[2]string{s.List, key(who)}] = true
				}
				if err := st.LeaveAll(ctx, p.ID, []string{"letter"}, "by hand", now); err != nil {
					rt.Fatal(err)
				}
			case "suppress":
				suppressed[key(who)] = true
				err := st.Suppress(ctx, audience.Suppression{Address: who, Reason: "by-hand", At: now})
				if err != nil {
					rt.Fatal(err)
				}
			}
			for _, address := range people {
				p, err := st.Person(ctx, key(address))
				if err != nil {
					continue
				}
				if (p.Suppressed != "") != suppressed[key(address)] {
					rt.Errorf("%s: suppressed %q", address, p.Suppressed)
				}
				for _, s := range p.Subscriptions {
					if left[[2]string{s.List, key(address)}] && s.State != audience.Unsubscribed {
						rt.Errorf("%s is %s on %s again", address, s.State, s.List)
					}
				}
			}
		}
	})
}
