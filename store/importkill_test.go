package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/store"
)

// killedPeople is how many rows the file of importFile has.
const killedPeople = 20000

// importFile imports a file of active, pending and unsubscribed people, with
// attributes and tags, and says when each chunk is stored.
func importFile(dsn string) error {
	s, err := store.Open(ctx(), dsn)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("email,name,city,tags,status\n")
	for i := range killedPeople {
		n := i * 7919 % killedPeople
		fmt.Fprintf(&b, "reader%d@northpost.example,Reader %d,Quay %d,harbour,%s\n", n, n, n%9,
			[]string{"active", "active", "active", "pending", "unsubscribed"}[n%5])
	}
	_, err = audience.Import(ctx(), strings.NewReader(b.String()), audience.ImportOptions{
		List: "harbour", Store: s, Name: "people.csv", Now: func() time.Time { return now }, ChunkRows: 1000,
	})
	if err != nil {
		return err
	}
	return s.Close()
}

// An import is killed again and again at any instant, and then run to its end:
// it leaves what one leaves that nobody disturbed.
func TestKilledImport(t *testing.T) {
	for name, fresh := range engines {
		t.Run(name, func(t *testing.T) {
			whole, db := database{fresh(t)}, database{fresh(t)}
			began := time.Now()
			must(t, importFile(whole.dsn))
			took := time.Since(began)
			killed := 0
			for range 6 {
				cmd := child(t, "import", db.dsn)
				must(t, cmd.Start())
				timer := time.AfterFunc(rand.N(took), func() { _ = cmd.Process.Kill() })
				if cmd.Wait() != nil {
					killed++
				}
				timer.Stop()
			}
			if out, err := child(t, "import", db.dsn).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got, want := imported(t, db), imported(t, whole)
			if len(want) < killedPeople*4/5 || !slices.Equal(got, want) {
				t.Errorf("after %d kills %d rows, undisturbed %d, and not the same", killed, len(got), len(want))
			}
			t.Logf("%d kills", killed)
		})
	}
}

// imported is all that an import left of people, but numbers and salts.
func imported(t *testing.T, db database) []string {
	t.Helper()
	rows, err := db.raw(t).Query(`
		SELECT s.key || '|' || s.address || '|' || s.domain || '|' || s.name || '|' || s.attributes || '|' || s.tags || '|' || s.created
			|| '|' || coalesce(t.list || '|' || t.state || '|' || t.changed || '|' || t.consent || '|' || t.was || '|' || t.why, '')
			|| '|' || coalesce((SELECT count(*) FROM subscriber_tag g WHERE g.subscriber = s.id), 0)
			|| '|' || (SELECT count(*) FROM history h WHERE h.subscriber = s.id)
		FROM subscriber s LEFT JOIN subscription t ON t.subscriber = s.id ORDER BY s.key`)
	must(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		all = append(all, line)
	}
	must(t, rows.Err())
	return all
}
