package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lede/audience"
)

// List is a list that the daemon fills from a source.
type List struct {
	ID       string     `mapstructure:"id" need:"true"` // the list's name
	Source   ListSource `mapstructure:"source" need:"true"`
	Schedule string     `mapstructure:"schedule" need:"true"`
	Timezone TimeZone   `mapstructure:"timezone"`
	Sync     bool       `mapstructure:"sync"`
	MaxGone  Share      `mapstructure:"max_gone"` // only with Sync
	Format   string     `mapstructure:"format"`   // one of audience.Formats; empty: told by the file
	State    string     `mapstructure:"state"`    // what people are where the source does not say
	Map      []Param    `mapstructure:"map" pairs:"true"`
	Ignore   []string   `mapstructure:"ignore"`
}

// ListSource is where the people of a list come from: exactly one of Folder, URL
// and SQL is given.
type ListSource struct {
	Folder        string   `mapstructure:"folder"` // absolute path
	DoneTo        string   `mapstructure:"done_to"`
	URL           string   `mapstructure:"url"`
	Authorization Secret   `mapstructure:"authorization"`
	Private       bool     `mapstructure:"private"`
	MaxSize       int      `mapstructure:"max_size" range:"1..4000"` // MB
	SQL           SQL      `mapstructure:"sql"`
	Timeout       Duration `mapstructure:"timeout"`
}

// SQL is a query to another database.
type SQL struct {
	Driver string `mapstructure:"driver"`
	DSN    Secret `mapstructure:"dsn"`
	Query  string `mapstructure:"query"`
}

// Share is a part of a whole, from 0 to 1, written "20%".
type Share float64

// UnmarshalText reads a share.
func (s *Share) UnmarshalText(text []byte) error {
	share, err := audience.ParseShare(string(text))
	*s = Share(share)
	return err
}

// String writes s as it is written in the file.
func (s Share) String() string { return audience.Percent(float64(s)) }

func defaultList() List {
	return List{
		Timezone: TimeZone{time.UTC},
		MaxGone:  Share(audience.DefaultMaxGone),
		Source:   ListSource{MaxSize: 200, Timeout: Duration(10 * time.Minute)},
	}
}

// lists checks the lists that have a source.
func (c *checker) lists() {
	c.ids("lists", len(c.Lists), func(i int) string { return c.Lists[i].ID })
	for i := range c.Lists {
		at := fmt.Sprintf("lists[%d]", i)
		if c.sound(at) {
			c.list(at, &c.Lists[i])
		}
	}
}

func (c *checker) list(at string, l *List) {
	c.listSource(at+".source", &l.Source)
	c.slots(at+".schedule", l.Schedule)
	if !l.Sync && c.given(at+".max_gone") {
		c.complain(at+".max_gone", "", "is for lists with sync: true")
	}
	if l.Format != "" && !slices.Contains(audience.Formats(), l.Format) {
		c.complain(at+".format", "", "%q is not one of %s", l.Format, strings.Join(audience.Formats(), ", "))
	}
	if l.State != "" {
		if err := audience.ParseState(l.State); err != nil {
			c.complain(at+".state", "", "%v", err)
		}
	}
}

func (c *checker) listSource(at string, s *ListSource) {
	var given []string
	for key, value := range map[string]string{"folder": s.Folder, "url": s.URL, "sql": s.SQL.Driver + string(s.SQL.DSN) + s.SQL.Query} {
		if value != "" {
			given = append(given, key)
		}
	}
	if len(given) != 1 {
		c.complain(at, "", "one of folder, url and sql says where the people come from; found %d", len(given))
		return
	}
	s.Folder, s.DoneTo = c.path(s.Folder), c.path(s.DoneTo)
	only := func(key, of string) {
		if given[0] != of && c.given(at+"."+key) {
			c.complain(at+"."+key, "", "is for a %s", of)
		}
	}
	only("done_to", "folder")
	only("authorization", "url")
	only("private", "url")
	switch given[0] {
	case "folder":
		if s.DoneTo != "" && s.DoneTo == s.Folder {
			c.complain(at+".done_to", "", "is the folder itself")
		}
	case "url":
		c.listURL(at, s)
	case "sql":
		c.listSQL(at+".sql", &s.SQL)
	}
}

func (c *checker) listURL(at string, s *ListSource) {
	if !c.webAddress(at+".url", s.URL) {
		return
	}
	if u, _ := url.Parse(s.URL); u.Scheme != "https" && !s.Private {
		c.complain(at+".url", "an address on your own machine or network is allowed with private: true", "addresses of people come by https only")
	}
	if strings.ContainsAny(string(s.Authorization), "\r\n") {
		c.complain(at+".authorization", "", "is more than one line")
	}
}

func (c *checker) listSQL(at string, s *SQL) {
	switch {
	case s.Driver == "postgres", s.Driver == "mysql", s.Driver == "sqlite", !c.sound(at + ".driver"):
	default:
		c.complain(at+".driver", "", "%s is not postgres, mysql or sqlite", strconv.Quote(s.Driver))
	}
	if s.DSN == "" && c.sound(at+".dsn") {
		c.complain(at+".dsn", "", "missing: postgres://user:${VAR}@host/database, user:${VAR}@tcp(host:3306)/database, or the path of a SQLite file")
	}
	if strings.TrimSpace(s.Query) == "" && c.sound(at+".query") {
		c.complain(at+".query", "", "missing: a SELECT whose columns are headings, such as SELECT email, name FROM member")
	}
	if s.Driver == "sqlite" {
		s.DSN = Secret(c.path(string(s.DSN)))
	}
}
