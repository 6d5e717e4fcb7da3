package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lede/internal/mysqltest"
	"lede/store"
)

const (
	memberTable = `CREATE TABLE member (email VARCHAR(100), name VARCHAR(100), joined TIMESTAMP NULL, dues DECIMAL(8,2), note TEXT)`
	memberRows  = `INSERT INTO member VALUES
		('una@northpost.example', 'Una "U" Vell', '2024-05-01 10:20:30', 12.50, 'a, b'),
		('zoë@northpost.example', 'Zoë', NULL, NULL, NULL)`
	memberQuery = `SELECT email, name, joined AS subscribed_at, dues, note FROM member ORDER BY name`
)

// otherDatabase makes a database of each kind with two members, and returns the
// query for them and what its password is.
func otherDatabase(t *testing.T, driver string) (q store.PeopleQuery, db *sql.DB) {
	t.Helper()
	q = store.PeopleQuery{Driver: driver, Query: memberQuery}
	with := map[string]string{"postgres": "pgx"}[driver]
	switch driver {
	case "postgres":
		q.DSN = server.Empty(t)
	case "mysql":
		with = "mysql"
		root, err := sql.Open("mysql", fmt.Sprintf("root@unix(%s)/", mysqltest.Start(t)))
		must(t, err)
		defer root.Close()
		var socket string
		must(t, root.QueryRow(`SELECT @@socket`).Scan(&socket))
		for _, statement := range []string{`CREATE DATABASE school CHARACTER SET utf8mb4`, `CREATE USER lede@localhost IDENTIFIED BY 'sesame quay'`, `GRANT ALL ON school.* TO lede@localhost`} {
			_, err := root.Exec(statement)
			must(t, err)
		}
		q.DSN = fmt.Sprintf("lede:sesame quay@unix(%s)/school", socket)
	case "sqlite":
		with = "sqlite"
		q.DSN = filepath.Join(t.TempDir(), "a school?.db")
	}
	db, err := sql.Open(with, strings.ReplaceAll(q.DSN, "?.db", "%3F.db"))
	if driver == "sqlite" {
		db, err = sql.Open(with, "file:"+strings.NewReplacer("?", "%3F", " ", "%20").Replace(q.DSN))
	}
	must(t, err)
	t.Cleanup(func() { db.Close() })
	for _, statement := range []string{memberTable, memberRows} {
		_, err := db.Exec(statement)
		must(t, err)
	}
	return q, db
}

func TestPeopleQuery(t *testing.T) {
	for _, driver := range []string{"sqlite", "postgres", "mysql"} {
		t.Run(driver, func(t *testing.T) {
			q, db := otherDatabase(t, driver)
			var out bytes.Buffer
			must(t, q.WriteCSV(ctx(), &out, 1<<20))
			want := "\uFEFFemail,name,subscribed_at,dues,note\n" +
				"una@northpost.example,\"Una \"\"U\"\" Vell\",WHEN,DUES,\"a, b\"\n" +
				"zoë@northpost.example,Zoë,,,\n"
			got := out.String()
			for _, form := range []string{"2024-05-01T10:20:30Z", "2024-05-01 10:20:30"} {
				got = strings.Replace(got, form, "WHEN", 1)
			}
			got = strings.Replace(strings.Replace(got, "12.50", "DUES", 1), "12.5", "DUES", 1)
			if got != want {
				t.Errorf("got %q\nwant %q", got, want)
			}

			out.Reset()
			if err := q.WriteCSV(ctx(), &out, 40); !errors.Is(err, store.ErrQueryTooLarge) || out.Len() > 40 {
				t.Errorf("limit: %v after %d bytes", err, out.Len())
			}

			write := q
			write.Query = map[string]string{
				"postgres": `DELETE FROM member RETURNING email`, "sqlite": `DELETE FROM member RETURNING email`, "mysql": `DELETE FROM member`,
			}[driver]
			err := write.WriteCSV(ctx(), &out, 1<<20)
			var left int
			must(t, db.QueryRow(`SELECT count(*) FROM member`).Scan(&left))
			if err == nil || left != 2 {
				t.Errorf("a query that writes: %v, %d left", err, left)
			}

			if driver != "sqlite" {
				slow := q
				slow.Query = map[string]string{"postgres": `SELECT pg_sleep(30)`, "mysql": `SELECT SLEEP(30)`}[driver]
				late, cancel := context.WithTimeout(ctx(), 200*time.Millisecond)
				defer cancel()
				if err := slow.WriteCSV(late, &out, 1<<20); err == nil {
					t.Error("a query without an end ended")
				}
			}
		})
	}
}

// No error holds a password, and neither does the database's name.
func TestPeopleQuerySecret(t *testing.T) {
	const secret = "sesame-quay"
	for _, q := range []store.PeopleQuery{
		{Driver: "postgres", DSN: "postgres://lede:" + secret + "@127.0.0.1:1/school?connect_timeout=1"},
		{Driver: "postgres", DSN: "postgres://lede:" + secret + "@127.0.0.1:port/school"},
		{Driver: "mysql", DSN: "lede:" + secret + "@tcp(127.0.0.1:1)/school"},
		{Driver: "mysql", DSN: "lede:" + secret + "@tcp(127.0.0.1:1/school"},
		{Driver: "mysql", DSN: "mysql://lede:" + secret + "@127.0.0.1/school"},
		{Driver: "oracle", DSN: secret},
	} {
		q.Query = "SELECT 1"
		err := q.WriteCSV(ctx(), &bytes.Buffer{}, 1000)
		if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(q.Where(), secret) {
			t.Errorf("%s: %v", q.Where(), err)
		}
	}
}
