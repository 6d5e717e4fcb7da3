package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLists(t *testing.T) {
	first := 1 + strings.Count(small, "\n") // line of the file on which the lists begin
	const good = "lists:\n  - id: members\n    schedule: '15 * * * *'\n"
	const folder = "    source: {folder: incoming}\n"
	for _, c := range []struct {
		name, text string
		line       int    // of the problem, counted from that of lists; 0: there is none
		problem    string // with the field
	}{
		{"folder", good + folder, 0, ""},
		{"folder, with all", good + "    source: {folder: in, done_to: done, max_size: 4000, timeout: 1m}\n    sync: true\n    max_gone: 5%\n    format: csv\n    state: pending\n    map: {email: Mail}\n    ignore: [Notes]\n", 0, ""},
		{"url", good + "    source: {url: 'https://club.example/t0ken', authorization: Bearer hunter2}\n", 0, ""},
		{"sql", good + "    source: {sql: {driver: sqlite, dsn: club.db, query: SELECT email FROM member}}\n", 0, ""},
		{"no source", good, 2, "lists[0].source: missing"},
		{"an empty source", good + "    source: {}\n", 4, "lists[0].source: one of folder, url and sql says where the people come from; found 0"},
		{"two sources", good + "    source: {folder: in, url: 'https://club.example/'}\n", 4, "lists[0].source: one of folder, url and sql says where the people come from; found 2"},
		{"an unknown source", good + "    source: {foldr: in}\n", 4, `lists[0].source.foldr: unknown setting: did you mean "folder"?`},
		{"no schedule", "lists:\n  - id: members\n" + folder, 2, "lists[0].schedule: missing"},
		{"a schedule that is none", strings.Replace(good, "15 * * * *", "hourly", 1) + folder, 3, "lists[0].schedule: "},
		{"a schedule that never comes", strings.Replace(good, "15 * * * *", "0 0 31 2 *", 1) + folder, 3, "lists[0].schedule: "},
		{"a time zone", good + folder + "    timezone: Port/Averne\n", 5, "lists[0].timezone: "},
		{"an id", strings.Replace(good, "members", "Mem bers", 1) + folder, 2, "lists[0].id: "},
		{"two of an id", good + folder + "  - id: members\n    schedule: '15 * * * *'\n" + folder, 5, `lists[1].id: "members" is the id of lists[0] too`},
		{"max_gone without sync", good + folder + "    max_gone: 20%\n", 5, "lists[0].max_gone: is for lists with sync: true"},
		{"max_gone that is no share", good + folder + "    sync: true\n    max_gone: 120%\n", 6, "lists[0].max_gone: "},
		{"max_gone that is a word", good + folder + "    sync: true\n    max_gone: few\n", 6, "lists[0].max_gone: "},
		{"sync", good + folder + "    sync: perhaps\n", 5, "lists[0].sync: "},
		{"a format", good + folder + "    format: cvs\n", 5, `lists[0].format: "cvs" is not one of `},
		{"a state", good + folder + "    state: actve\n", 5, "lists[0].state: "},
		{"map", good + folder + "    map: [email]\n", 5, "lists[0].map"},
		{"done_to, the folder itself", good + "    source: {folder: in, done_to: ./in}\n", 4, "lists[0].source.done_to: is the folder itself"},
		{"done_to of an address", good + "    source: {url: 'https://club.example/', done_to: done}\n", 4, "lists[0].source.done_to: is for a folder"},
		{"authorization of a folder", good + "    source: {folder: in, authorization: Bearer hunter2}\n", 4, "lists[0].source.authorization: is for a url"},
		{"private of a folder", good + "    source: {folder: in, private: true}\n", 4, "lists[0].source.private: is for a url"},
		{"an address without https", good + "    source: {url: 'http://club.example/t0ken'}\n", 4, "lists[0].source.url: addresses of people come by https only"},
		{"the same within", good + "    source: {url: 'http://127.0.0.1:8080/', private: true}\n", 0, ""},
		{"no address", good + "    source: {url: club}\n", 4, `lists[0].source.url: "club" is no web address`},
		{"two lines of authorization", good + "    source: {url: 'https://club.example/', authorization: \"Bearer hunter2\\r\\nX: y\"}\n", 4, "lists[0].source.authorization: is more than one line"},
		{"a size", good + "    source: {folder: in, max_size: 0}\n", 4, "lists[0].source.max_size: 0 is not from 1 to 4000"},
		{"a driver", good + "    source: {sql: {driver: oracle, dsn: x, query: SELECT 1}}\n", 4, `lists[0].source.sql.driver: "oracle" is not postgres, mysql or sqlite`},
		{"no dsn", good + "    source: {sql: {driver: mysql, query: SELECT 1}}\n", 4, "lists[0].source.sql.dsn: missing"},
		{"no query", good + "    source:\n      sql:\n        driver: mysql\n        dsn: lede:hunter2@tcp(db:3306)/club\n        query: ' '\n", 8, "lists[0].source.sql.query: missing"},
		{"an unknown setting", good + folder + "    shedule: x\n", 5, `lists[0].shedule: unknown setting: did you mean "schedule"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Load(write(t, small+c.text), nil)
			if c.problem == "" {
				if err != nil {
					t.Fatal(err)
				}
				if l := cfg.Lists[0]; l.ID != "members" || l.Timezone.Location != time.UTC || l.Source.MaxSize < 1 {
					t.Errorf("got %+v", l)
				}
				return
			}
			where := fmt.Sprintf("lede.yaml:%d: ", first+c.line-1)
			if err == nil || !strings.Contains(err.Error(), where+c.problem) {
				t.Fatalf("got %v, want %s%s", err, where, c.problem)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("%v tells a secret", err)
			}
		})
	}
}
