package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"lede/newsroom"
	"lede/send"
)

// entry is what the ledger says of one reader.
type entry struct {
	state  send.State
	doubts int // times that it was not known whether the mail arrived
	relay  string
	code   int
	reply  string
}

// openRaw opens a newsroom's database without the store.
func openRaw(t *testing.T, dir, data string) *sql.DB {
	t.Helper()
	driver := "pgx"
	if !strings.HasPrefix(data, "postgres") {
		driver, data = "sqlite", "file:"+filepath.Join(dir, data)+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, data)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// entries reads the ledger, which is of one edition or empty, by address.
func entries(t *testing.T, dir, data string) map[string]entry {
	t.Helper()
	db := openRaw(t, dir, data)
	defer db.Close()
	rows, err := db.Query(`SELECT s.address, d.state, d.doubts, d.relay, d.code, d.reply FROM delivery d JOIN subscriber s ON s.id = d.subscriber`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]entry{}
	for rows.Next() {
		var address string
		var e entry
		if err := rows.Scan(&address, &e.state, &e.doubts, &e.relay, &e.code, &e.reply); err != nil {
			t.Fatal(err)
		}
		if _, twice := all[address]; twice {
			t.Errorf("%s has two deliveries", address)
		}
		all[address] = e
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// audit holds what the ledger and the report say against what a receiver
// accepted: copies, the Message-IDs by recipient. It returns how many mails
// came again, how many readers have none, and what is wrong:
//
//   - sent means that it was accepted; and what was accepted is sent, unless it
//     is in doubt;
//   - for each copy but the first there was a doubt;
//   - all copies have one Message-ID;
//   - the report's sums are those of the ledger and make up the audience.
func audit(t *testing.T, dir, data string, readers int, copies map[string][]string, rep newsroom.Report) (again, without int, faults []string) {
	t.Helper()
	wrong := map[string]int{} // by kind
	example := map[string]string{}
	complain := func(kind, format string, args ...any) {
		if wrong[kind]++; wrong[kind] == 1 {
			example[kind] = fmt.Sprintf(format, args...)
		}
	}
	var sums newsroom.Sums
	ledger := entries(t, dir, data)
	for i := range readers {
		address := readerAddress(i)
		ids := copies[address]
		again += max(0, len(ids)-1)
		if len(ids) == 0 {
			without++
		}
		for _, id := range ids {
			if id != ids[0] || id == "" {
				complain("Message-IDs", "%s got %q", address, ids)
			}
		}
		e, known := ledger[address]
		sums.Audience++
		switch e.state {
		case send.Pending, send.Sending:
			sums.Pending++
		case send.Sent:
			sums.Sent++
		case send.Deferred:
			sums.Deferred++
		case send.Failed:
			sums.Failed++
		case send.InDoubt:
			sums.InDoubt++
		case send.Skipped:
			sums.Skipped++
		}
		switch {
		case !known:
			complain("no delivery", "%s, %d copies", address, len(ids))
		case e.state == send.Sent && len(ids) == 0:
			complain("sent and not accepted", "%s %+v", address, e)
		case e.state != send.Sent && len(ids) > 0 && e.doubts == 0:
			complain("accepted, not sent, no doubt", "%s %+v", address, e)
		case e.state == send.InDoubt && e.doubts == 0:
			complain("in doubt without a doubt", "%s %+v", address, e)
		case len(ids) > e.doubts+1:
			complain("copies without a doubt", "%s %+v, %d copies", address, e, len(ids))
		}
	}
	for address := range copies {
		if _, known := ledger[address]; !known {
			complain("a stranger", "%s", address)
		}
	}
	if len(ledger) != readers || rep.Sums != sums {
		faults = append(faults, fmt.Sprintf("%d deliveries; the report has %+v, the ledger %+v", len(ledger), rep.Sums, sums))
	}
	for kind, n := range wrong {
		faults = append(faults, fmt.Sprintf("%d times %s: %s", n, kind, example[kind]))
	}
	return again, without, faults
}
