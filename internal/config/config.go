// Package config reads lede.yaml, strictly: what is unknown, of a wrong type,
// missing or contradictory is a problem with its line and path, and all
// problems are told at once.
//
// The types below are the file's schema. Of a field's tags, mapstructure is its
// key, oneof its allowed words, range its least and greatest number, and
// need:"true" makes it an error to leave it out; a list with single:"true" may be
// written as its only member, one with pairs:"true" is a mapping. Text may hold ${VAR}, which is
// taken from the environment and must be set there; $${ stands for ${ itself.
// A variable LEDE_ with the path in upper case overrides a setting; members of
// lists are named by their id (LEDE_RELAYS_MAIN_PASSWORD).
//
// Paths in the file are relative to the file; in a loaded Config they are
// absolute.
package config

import (
	"time"

	"lede/audience/segment"
	"lede/compose"
	"lede/templates"
)

// Config is the whole file.
type Config struct {
	Data    string `mapstructure:"data"`                 // absolute path of a SQLite file, or postgres://…
	BaseURL string `mapstructure:"base_url" need:"true"` // without a trailing slash
	Listen  string `mapstructure:"listen"`               // host:port
	Metrics string `mapstructure:"metrics"`              // host:port where Prometheus reads; empty: nowhere
	Log     Log    `mapstructure:"log"`
	// TrustedProxies are networks whose X-Forwarded-For is believed; none: nobody's.
	TrustedProxies []string     `mapstructure:"trusted_proxies"`
	Spamd          string       `mapstructure:"spamd"` // host:port or the absolute path of a socket; empty: none is asked
	Relays         []Relay      `mapstructure:"relays" need:"true"`
	Routes         []Route      `mapstructure:"routes"`  // the first that fits holds
	Domains        []Domain     `mapstructure:"domains"` // no domain is in two of them
	Attributes     []Attribute  `mapstructure:"attributes"`
	Segments       []Segment    `mapstructure:"segments"`
	Lists          []List       `mapstructure:"lists"` // those that are filled from a source
	Webhooks       []Webhook    `mapstructure:"webhooks"`
	API            API          `mapstructure:"api"`
	Retention      Retention    `mapstructure:"retention"`
	Newsletters    []Newsletter `mapstructure:"newsletters" need:"true"`

	Path     string   `mapstructure:"-"` // absolute path of the file
	Warnings []string `mapstructure:"-"` // what works and should not stay as it is, one line each
}

// API bounds what programs may ask.
type API struct {
	Requests int `mapstructure:"requests" range:"1..1000000"` // that a token may make in a minute
}

// Log says how the program's log is written.
type Log struct {
	Format string `mapstructure:"format" oneof:"auto|text|json"` // auto: in colour on a terminal, else text
	Level  string `mapstructure:"level" oneof:"debug|info|warn|error"`
}

// Relay is an SMTP server that takes our mail.
type Relay struct {
	ID          string   `mapstructure:"id" need:"true"`
	Host        string   `mapstructure:"host" need:"true"`
	Port        int      `mapstructure:"port" range:"1..65535"`
	TLS         string   `mapstructure:"tls" oneof:"starttls|implicit|none"`
	Username    string   `mapstructure:"username"`
	Password    Secret   `mapstructure:"password"`
	Auth        string   `mapstructure:"auth" oneof:"auto|plain|login|cram-md5|scram-sha-1|scram-sha-256|xoauth2"`
	CA          string   `mapstructure:"ca"`          // absolute path of a PEM file; empty: whom the system trusts
	Certificate string   `mapstructure:"certificate"` // absolute path of a PEM file; empty: none is shown
	Key         string   `mapstructure:"key"`         // absolute path of the certificate's key, maybe the same file
	Lanes       int      `mapstructure:"lanes" range:"1..256"`
	Rate        Rate     `mapstructure:"rate"`
	Burst       Count    `mapstructure:"burst"`   // 0: not given
	Quota       Count    `mapstructure:"quota"`   // mails a day in UTC; 0: not given, no limit
	WarmUp      *WarmUp  `mapstructure:"warm_up"` // nil: none
	Weight      int      `mapstructure:"weight" range:"1..1000"`
	Depth       int      `mapstructure:"depth" range:"1..16"`
	Messages    int      `mapstructure:"messages" range:"0..1000000"`
	Idle        Duration `mapstructure:"idle"`
	Lifetime    Duration `mapstructure:"lifetime"` // 0: no limit
	Pipelining  bool     `mapstructure:"pipelining"`
	Chunking    bool     `mapstructure:"chunking"`
	Helo        string   `mapstructure:"helo"`
	Retry       Retry    `mapstructure:"retry"`
}

// WarmUp is a daily ceiling that grows.
type WarmUp struct {
	From   Day    `mapstructure:"from" need:"true"`
	First  int    `mapstructure:"first" need:"true" range:"1..100000000"`
	Factor Factor `mapstructure:"factor" need:"true"`
	Last   int    `mapstructure:"last" need:"true" range:"1..100000000"`
}

// Route says which relays take what fits all that it names.
type Route struct {
	ID          string   `mapstructure:"id"` // may be empty: then no variable overrides its settings
	Newsletters []string `mapstructure:"newsletters"`
	Lists       []string `mapstructure:"lists"`
	Domains     []string `mapstructure:"domains"` // lower-case ASCII; the ids of groups are replaced by their domains
	Relays      []string `mapstructure:"relays" need:"true"`
	Failover    []string `mapstructure:"failover"`
}

// Domain is how recipients of some domains are treated.
type Domain struct {
	ID          string   `mapstructure:"id" need:"true"`
	Domains     []string `mapstructure:"domains" need:"true"` // lower-case ASCII
	Concurrency Count    `mapstructure:"concurrency"`         // 0: not given, no limit
	Rate        Rate     `mapstructure:"rate"`
}

// Attribute says what an attribute of people holds.
type Attribute struct {
	Name   string   `mapstructure:"name" need:"true"`
	Title  string   `mapstructure:"title"` // for people; may be empty
	Type   string   `mapstructure:"type" need:"true" oneof:"text|number|date|yes_no|choice|country|timezone"`
	Values []string `mapstructure:"values"` // of a choice
}

// Segment is a condition on people under a name.
type Segment struct {
	ID    string              `mapstructure:"id" need:"true"`
	Name  string              `mapstructure:"name"` // for people; may be empty
	Where string              `mapstructure:"where" need:"true"`
	Means *segment.Expression `mapstructure:"-"` // what Where says
}

// Retry says when mail that a relay put off is tried again.
type Retry struct {
	First       Duration `mapstructure:"first"`
	Longest     Duration `mapstructure:"longest"`
	GiveUpAfter Duration `mapstructure:"give_up_after"`
}

// Newsletter is a recurring publication.
type Newsletter struct {
	ID                 string           `mapstructure:"id" need:"true"`
	Name               string           `mapstructure:"name" need:"true"`
	From               Mailbox          `mapstructure:"from" need:"true"`
	Editor             Editor           `mapstructure:"editor"`
	PostalAddress      string           `mapstructure:"postal_address"`
	Place              string           `mapstructure:"place"`
	Reason             string           `mapstructure:"reason"`
	Imprint            string           `mapstructure:"imprint"`
	Privacy            string           `mapstructure:"privacy"`
	Visibility         string           `mapstructure:"visibility" oneof:"public|unlisted|off"`
	Language           Language         `mapstructure:"language"`
	Timezone           TimeZone         `mapstructure:"timezone"`
	Schedule           string           `mapstructure:"schedule"` // empty: only by hand
	Spread             Duration         `mapstructure:"spread"`
	LocalTime          bool             `mapstructure:"local_time"` // not together with Spread
	NotOn              []string         `mapstructure:"not_on"`
	Missed             string           `mapstructure:"missed" oneof:"run|skip"`
	Grace              Duration         `mapstructure:"grace"`
	StaleAfter         Duration         `mapstructure:"stale_after"` // 0: until the next slot, at most 24h
	MinGap             Duration         `mapstructure:"min_gap"`
	Notify             []string         `mapstructure:"notify"`
	NotifyCommand      []string         `mapstructure:"notify_command"` // a program and its arguments; no shell
	ReplyTo            string           `mapstructure:"reply_to"`
	BounceAddress      string           `mapstructure:"bounce_address"`
	VERP               bool             `mapstructure:"verp"` // only with BounceAddress
	UnsubscribeMailbox string           `mapstructure:"unsubscribe_mailbox"`
	ListID             string           `mapstructure:"list_id"`            // "ID.DOMAIN of from" when not given
	FeedbackSender     string           `mapstructure:"feedback_sender"`    // made of the domain of from when not given
	DKIM               []DKIM           `mapstructure:"dkim" single:"true"` // none: not signed
	Lists              []string         `mapstructure:"lists" need:"true"`
	Segment            string           `mapstructure:"segment"` // id: these of the lists only; empty: all
	Exclude            []string         `mapstructure:"exclude"` // ids of segments that get nothing
	Relay              string           `mapstructure:"relay"`   // the only relay when not given
	Theme              string           `mapstructure:"theme"`
	ThemeDir           string           `mapstructure:"theme_dir"` // absolute; empty: the theme as it is
	Tokens             templates.Tokens `mapstructure:"tokens"`    // over the theme's own
	WordsDir           string           `mapstructure:"words_dir"` // absolute; empty: the built-in words
	TextLinks          string           `mapstructure:"text_links" oneof:"inline|footnotes"`
	Pictures           string           `mapstructure:"pictures" oneof:"link|inline"`
	Subject            string           `mapstructure:"subject"`
	SubjectTest        SubjectTest      `mapstructure:"subject_test"` // without subjects: none
	Preheader          string           `mapstructure:"preheader"`    // empty: made of the lead
	OwnHosts           []string         `mapstructure:"own_hosts"`    // lower case, each with those within it
	LinkParams         []Param          `mapstructure:"link_params" pairs:"true"`
	Numbered           bool             `mapstructure:"numbered"`
	Sources            []Source         `mapstructure:"sources" need:"true"`
	Lead               Lead             `mapstructure:"lead"`
	Sections           []Section        `mapstructure:"sections"` // one of briefs from all sources when not given
	Min                int              `mapstructure:"min" range:"1..1000"`
	PerSource          int              `mapstructure:"per_source" range:"0..100"` // stories of one source; 0: no limit
	Approval           string           `mapstructure:"approval" oneof:"none|required"`
	ApprovalDeadline   Duration         `mapstructure:"approval_deadline"` // after the slot; 0: none
	AtDeadline         string           `mapstructure:"at_deadline" oneof:"send|skip|remind"`
	Proof              Proof            `mapstructure:"proof"`
	Changed            string           `mapstructure:"changed" oneof:"send|hold"` // of a story, between making and sending
	InDoubt            string           `mapstructure:"in_doubt" oneof:"resend|hold"`
	SignUp             SignUp           `mapstructure:"signup"`
	Lint               []Param          `mapstructure:"lint" pairs:"true"` // rule → error, warning, note or off
}

// Param is a parameter of links, written as a key with its value.
type Param struct {
	Name  string `mapstructure:"name"`
	Value string `mapstructure:"value"`
}

// Proof says who reads an edition before it is sent, and how long.
type Proof struct {
	To     []string `mapstructure:"to"`
	Before Duration `mapstructure:"before"` // the slot; 0: at it
}

// SubjectTest is subjects that editions are tried with before most readers get
// them.
type SubjectTest struct {
	Subjects  []string `mapstructure:"subjects"`                     // beside the newsletter's own, which is the first
	Share     int      `mapstructure:"share" range:"1..100"`         // percent of the readers who get them, in equal parts
	Wait      Duration `mapstructure:"wait"`                         // until the others get the one that was chosen
	Otherwise string   `mapstructure:"otherwise" oneof:"first|hold"` // when nobody chose
}

// When is a condition: for whom something is. Either Attribute is set with Is or
// IsNot, or Segment, or Exclude.
type When struct {
	Attribute string   `mapstructure:"attribute"`
	Is        []string `mapstructure:"is"`
	IsNot     []string `mapstructure:"is_not"`
	Segment   string   `mapstructure:"segment"` // id: who is in it
	Exclude   string   `mapstructure:"exclude"` // id: who is not in it
}

// Condition returns the condition as composing knows it, without what a segment
// means.
func (w When) Condition() compose.Condition {
	switch {
	case w.Segment != "":
		return compose.Condition{Segment: w.Segment}
	case w.Exclude != "":
		return compose.Condition{Segment: w.Exclude, Not: true}
	case len(w.IsNot) > 0:
		return compose.Condition{Attribute: w.Attribute, Values: w.IsNot, Not: true}
	}
	return compose.Condition{Attribute: w.Attribute, Values: w.Is}
}

// Editor is who greets the readers.
type Editor struct {
	Name     string `mapstructure:"name"`
	Greeting string `mapstructure:"greeting"`
}

// DKIM is a signing identity.
type DKIM struct {
	Domain   string `mapstructure:"domain" need:"true"`
	Selector string `mapstructure:"selector" need:"true"`
	Key      string `mapstructure:"key" need:"true"` // absolute path of a PEM file
}

// Source is where stories come from: exactly one of Folder and Feed is set.
type Source struct {
	ID        string   `mapstructure:"id" need:"true"`
	Folder    string   `mapstructure:"folder"` // absolute path
	Feed      string   `mapstructure:"feed"`   // http(s) URL or absolute path
	Private   bool     `mapstructure:"private"`
	Own       bool     `mapstructure:"own"`
	Full      bool     `mapstructure:"full"` // of an own feed: the text of its stubs is taken from their pages
	Order     string   `mapstructure:"order" oneof:"newest|as_given"`
	MaxAge    Duration `mapstructure:"max_age"` // 0: no limit
	Updates   string   `mapstructure:"updates" oneof:"mark|drop"`
	Leftovers string   `mapstructure:"leftovers" oneof:"drop|keep"`
}

// Lead says how the lead is chosen and told.
type Lead struct {
	From   []string `mapstructure:"from"`                     // source ids, all when empty
	Length int      `mapstructure:"length" range:"50..20000"` // words

	Tags     []string `mapstructure:"tags"`     // filters; a lead passes all that are set
	Category string   `mapstructure:"category"` // the first tag
	Author   string   `mapstructure:"author"`
	Lang     Language `mapstructure:"lang"`
	MinWords int      `mapstructure:"min_words" range:"0..5000"`
	MaxWords int      `mapstructure:"max_words" range:"0..20000"` // 0: no limit
	MaxAge   Duration `mapstructure:"max_age"`                    // 0: no limit

	IfNone string `mapstructure:"if_none" oneof:"promote|without|skip"`
}

// Section is one section of the letter.
type Section struct {
	Title  string   `mapstructure:"title"`
	Kind   string   `mapstructure:"kind" oneof:"briefs|headlines|links|quotation|numbers|events|sponsor|note|corrections|archive|most_read"`
	From   []string `mapstructure:"from"` // source ids, all when empty
	Max    int      `mapstructure:"max" range:"1..100"`
	Teaser int      `mapstructure:"teaser" range:"40..2000"` // columns, as compose.SectionRule.Teaser

	When []When `mapstructure:"when" single:"true"` // for whom it is: all must hold; none: everybody

	Tags     []string `mapstructure:"tags"`     // filters; a story passes all that are set
	Category string   `mapstructure:"category"` // the first tag
	Author   string   `mapstructure:"author"`
	Lang     Language `mapstructure:"lang"`
	MinWords int      `mapstructure:"min_words" range:"0..20000"`
	MaxWords int      `mapstructure:"max_words" range:"0..20000"` // 0: no limit
	MaxAge   Duration `mapstructure:"max_age"`                    // 0: no limit

	Order     string   `mapstructure:"order" oneof:"weight|newest|sources|as_given|oldest|title"`
	Prefer    []string `mapstructure:"prefer"` // tags
	Alternate bool     `mapstructure:"alternate"`
	Pictures  bool     `mapstructure:"pictures"`                  // its briefs stand with their pictures
	PerSource int      `mapstructure:"per_source" range:"0..100"` // 0: no limit

	Empty string `mapstructure:"empty" oneof:"drop|say|skip"`
	Say   string `mapstructure:"say"`
	Ago   Ago    `mapstructure:"ago"` // archive: a year when not given
}

const (
	portSubmission  = 587 // RFC 6409
	portSubmissions = 465 // RFC 8314: TLS from the first byte
)

// defaults is what holds where the file says nothing.
func defaults() Config {
	return Config{
		Data:   "lede.db",
		Listen: "127.0.0.1:9000",
		Log:    Log{Format: "auto", Level: "info"},
		API:    API{Requests: 600},
	}
}

func defaultRelay() Relay {
	return Relay{
		Port:       portSubmission,
		TLS:        "starttls",
		Auth:       "auto",
		Lanes:      4,
		Weight:     1,
		Depth:      8,
		Idle:       Duration(30 * time.Second),
		Pipelining: true,
		Chunking:   true,
		Retry: Retry{
			First:       Duration(time.Minute),
			Longest:     Duration(time.Hour),
			GiveUpAfter: Duration(24 * time.Hour),
		},
	}
}

func defaultNewsletter() Newsletter {
	return Newsletter{
		Visibility:  "unlisted",
		Language:    "en",
		Timezone:    TimeZone{time.UTC},
		Missed:      "run",
		Grace:       Duration(6 * time.Hour),
		MinGap:      Duration(2 * time.Hour),
		Theme:       "broadsheet",
		TextLinks:   "inline",
		Pictures:    "link",
		Subject:     "{lead}",
		SubjectTest: SubjectTest{Share: 20, Wait: Duration(2 * time.Hour), Otherwise: "first"},
		Lead:        Lead{Length: 700, MinWords: 80, IfNone: "promote"},
		Min:         1,
		Approval:    "none",
		AtDeadline:  "remind",
		Changed:     "send",
		InDoubt:     "resend",
		SignUp:      SignUp{DoubleOptIn: true, TokenLife: Duration(72 * time.Hour), RemindAfter: Duration(24 * time.Hour), MailsADay: 3, Captcha: Captcha{WhenDown: "refuse"}},
	}
}

func defaultSource() Source {
	return Source{
		Order:     "newest",
		MaxAge:    Duration(72 * time.Hour),
		Updates:   "mark",
		Leftovers: "drop",
	}
}

func defaultSection() Section {
	return Section{Kind: "briefs", Max: 6, Teaser: 240, Order: "weight", Empty: "drop"}
}
