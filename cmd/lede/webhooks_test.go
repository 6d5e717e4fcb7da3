package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"lede/internal/smtptest"
)

const hookSecret = "whsec_YSBzZWNyZXQgZm9yIHRoZSBoYXJib3VyIG9mZmljZQ=="

// crm is a receiver of webhooks, outside of Lede. It checks each with the library
// that receivers use, remembers it, and answers as a test wants.
type crm struct {
	*httptest.Server
	mu  sync.Mutex
	got []told
	// answer is called with what came, and how often it came, this time counted;
	// nil: it is taken. It says whether it was answered already.
	answer func(w http.ResponseWriter, e told, nth int) bool
	faults []string
}

// told is one request of a webhook.
type told struct {
	id, body string
	Type     string
	Data     struct {
		Subscriber struct {
			Address    string
			Attributes map[string]string
		}
		State, How string
	}
}

// who is the name in the address that an event is about.
func (e told) who() string {
	name, _, _ := strings.Cut(e.Data.Subscriber.Address, "@")
	return name
}

func newCRM(t *testing.T) *crm {
	t.Helper()
	check, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	c := &crm{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		e := told{id: r.Header.Get("Webhook-Id"), body: string(body)}
		if err == nil {
			err = check.Verify(body, r.Header)
		}
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err == nil && r.URL.Path != "/hooks" {
			err = fmt.Errorf("it came to %s", r.URL.Path)
		}
		c.mu.Lock()
		if err != nil {
			c.faults = append(c.faults, fmt.Sprintf("%v: %v %s", err, r.Header, body))
		}
		c.got = append(c.got, e)
		nth, answer := 0, c.answer
		for _, g := range c.got {
			if g.id == e.id {
				nth++
			}
		}
		c.mu.Unlock()
		if answer == nil || !answer(w, e, nth) {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(func() {
		c.CloseClientConnections() // of one that hangs
		c.Close()
	})
	return c
}

// all are the requests so far, in the order in which they came.
func (c *crm) all() []told {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// answers sets how it answers from now on.
func (c *crm) answers(f func(w http.ResponseWriter, e told, nth int) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

// audit holds that every request was signed, that what has one webhook-id is the
// same to the byte, and that no event has two; it returns the events by
// webhook-id with how often each came.
func (c *crm) audit(t *testing.T) map[string]int {
	t.Helper()
	c.mu.Lock()
	for _, fault := range c.faults {
		t.Error(fault)
	}
	c.mu.Unlock()
	times, bodies, ids := map[string]int{}, map[string]string{}, map[string]string{}
	for _, e := range c.all() {
		if times[e.id]++; times[e.id] > 1 && bodies[e.id] != e.body {
			t.Errorf("%s came as\n%s\nand as\n%s", e.id, bodies[e.id], e.body)
		}
		if other := ids[e.body]; other != "" && other != e.id {
			t.Errorf("%s and %s tell the same: %s", other, e.id, e.body)
		}
		bodies[e.id], ids[e.body] = e.body, e.id
	}
	return times
}

// hookRoom makes a newsroom with a webhook, whose newsletter takes sign-ups; more
// is what else stands in the configuration of sign-ups. It returns its folder and
// the address of its pages.
func hookRoom(t *testing.T, data string, smtpPort int, hook, more string) (dir, site string) {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	site = fmt.Sprintf("http://127.0.0.1:%d", port)
	write(t, dir, "lede.yaml", fmt.Sprintf(`data: %s
base_url: %s
listen: 127.0.0.1:%d
trusted_proxies: [127.0.0.1]
relays: [{id: main, host: 127.0.0.1, port: %d, tls: none}]
webhooks: [{id: crm, url: "%s", secret: %s, private: true}]
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@example.org>
    postal_address: 14 Chandler Row, Port Averne
    lists: [harbour]
    signup: {open: true%s}
    sources: [{id: desk, folder: stories}]
`, data, site, port, smtpPort, hook, hookSecret, more))
	write(t, dir, "stories/ferry.md", "---\ntitle: Ferry sails again\n---\n\nThe Averne Maid left at 05:40.\n")
	return dir, site
}

// daemonIn starts the daemon of a newsroom and waits until its pages answer.
func daemonIn(t *testing.T, dir, site string) *exec.Cmd {
	t.Helper()
	cmd := ledeIn(t, dir, "serve")
	startDaemon(t, cmd, site)
	return cmd
}

// startDaemon is daemonIn for a command that is there already.
func startDaemon(t *testing.T, cmd *exec.Cmd, site string) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	host := strings.TrimPrefix(site, "http://")
	up := within(time.Minute, func() bool {
		c, err := net.Dial("tcp", host)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	if !up {
		t.Fatal("the daemon does not answer")
	}
}

// stop ends a daemon as a service manager does.
func stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the daemon did not end well: %v", err)
	}
}

// sends makes a request as a visitor of its own and returns status and body.
func sends(t *testing.T, method, address, kind, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(page)
}

// form posts a form that has to be taken.
func form(t *testing.T, address string, values url.Values) string {
	t.Helper()
	status, page := sends(t, http.MethodPost, address, "application/x-www-form-urlencoded", values.Encode())
	if status != http.StatusOK {
		t.Fatalf("POST %s: %d\n%s", address, status, page)
	}
	return page
}

// mailedLink waits for a link that begins so, in a mail to somebody.
func mailedLink(t *testing.T, relay *smtptest.Server, to, begins string) string {
	t.Helper()
	link, found := regexp.MustCompile(regexp.QuoteMeta(begins)+`[A-Za-z0-9_-]+`), ""
	came := within(time.Minute, func() bool {
		for _, m := range relay.Received() {
			if slices.Contains(m.To, to) {
				if l := link.FindString(strings.ReplaceAll(string(m.Data), "=\r\n", "")); l != "" {
					found = l
				}
			}
		}
		return found != ""
	})
	if !came {
		t.Fatalf("no mail with a link to %s came to %s", begins, to)
	}
	return found
}

// loggedHooks is what `webhooks log` says, by webhook-id.
func loggedHooks(t *testing.T, dir string) map[string]loggedWebhook {
	t.Helper()
	out, err := ledeIn(t, dir, "webhooks", "log", "-n", "1000", "--json").Output()
	var all []loggedWebhook
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		t.Fatalf("webhooks log: %v\n%s", err, out)
	}
	byID := map[string]loggedWebhook{}
	for _, l := range all {
		byID[l.Message] = l
	}
	return byID
}

// TestWebhooks follows four people from the form to the last link, while the
// receiver fails in another way at each kind of event, and then takes it.
func TestWebhooks(t *testing.T) {
	t.Parallel() // most of it is waiting for the second attempts
	relay := &smtptest.Server{}
	_, port := smtptest.Start(t, relay)
	receiver := newCRM(t)
	hang := make(chan struct{})
	defer close(hang)
	fails := map[string]func(w http.ResponseWriter){
		"ines subscribed pending": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"kai confirmed active": func(w http.ResponseWriter) { // it closes the connection instead of answering
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		},
		"odile changed ": func(w http.ResponseWriter) { // a redirect is not followed
			w.Header().Set("Location", receiver.URL+"/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"rook unsubscribed opted out": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	}
	if long() {
		fails["odile changed "] = func(http.ResponseWriter) { <-hang } // for longer than it is waited for
	}
	receiver.answers(func(w http.ResponseWriter, e told, nth int) bool {
		fail := fails[e.who()+" "+e.Type+" "+e.Data.State]
		if nth > 1 || fail == nil {
			return false
		}
		fail(w)
		return true
	})
	dir, site := hookRoom(t, "lede.db", port, receiver.URL+"/hooks", "")
	daemon := daemonIn(t, dir, site)

	_, page := sends(t, http.MethodGet, site+"/subscribe/harbour", "", "")
	stamp := regexp.MustCompile(`name="stamp" value="([^"]+)"`).FindStringSubmatch(page)
	if stamp == nil {
		t.Fatalf("no stamp in\n%s", page)
	}
	people := []string{"ines", "kai", "odile", "rook"}
	<-time.After(2100 * time.Millisecond) // what comes at once is taken for a program
	subscribe := func(who string) {
		form(t, site+"/subscribe/harbour", url.Values{"address": {who + "@northpost.example"}, "stamp": stamp[1:]})
	}
	for _, who := range people {
		subscribe(who)
	}
	for _, who := range people {
		link := mailedLink(t, relay, who+"@northpost.example", site+"/c/")
		if status, _ := sends(t, http.MethodGet, link, "", ""); status != http.StatusOK {
			t.Errorf("GET %s: %d", link, status)
		}
		form(t, link, url.Values{"confirm": {"yes"}})
		subscribe(who) // who gets it already gets a link to the preferences
	}
	for _, who := range people {
		choices := mailedLink(t, relay, who+"@northpost.example", site+"/s/")
		form(t, choices, url.Values{"timezone": {"Atlantic/Azores"}})
		_, page := sends(t, http.MethodGet, choices+"/leave", "", "")
		leave := regexp.MustCompile(`action="\.\./\.\./(u/[A-Za-z0-9_-]+)"`).FindStringSubmatch(page)
		if leave == nil {
			t.Fatalf("no form to leave in\n%s", page)
		}
		form(t, site+"/"+leave[1], url.Values{"scope": {"one"}})
	}

	// Each person's story is told whole and in order, the failed attempts counted.
	want := []string{"subscribed pending", "confirmed active", "changed ", "unsubscribed opted out", "unsubscribed unsubscribed"}
	stories := func() map[string][]string {
		all := map[string][]string{}
		for _, e := range receiver.all() {
			all[e.who()] = append(all[e.who()], e.Type+" "+e.Data.State)
		}
		return all
	}
	within(time.Minute, func() bool { return len(receiver.all()) >= len(people)*len(want)+len(fails) })
	for _, who := range people {
		var all []string
		for _, line := range want {
			if all = append(all, line); fails[who+" "+line] != nil {
				all = append(all, line)
			}
		}
		if got := stories()[who]; !slices.Equal(got, all) {
			t.Errorf("of %s was told\n%q, want\n%q", who, got, all)
		}
	}
	var logged map[string]loggedWebhook
	noted := func() bool {
		logged = loggedHooks(t, dir)
		for _, l := range logged {
			if l.State != "delivered" {
				return false
			}
		}
		return true
	}
	within(time.Minute, noted)
	for id, times := range receiver.audit(t) {
		if l := logged[id]; l.State != "delivered" || len(l.Attempts) != times {
			t.Errorf("it came %d times; the log: %+v", times, l)
		}
	}
	for _, e := range receiver.all() {
		if e.Type == "changed" && e.Data.Subscriber.Attributes["timezone"] != "Atlantic/Azores" {
			t.Errorf("what changed is not told: %s", e.body)
		}
	}

	// What was told is told again under its id when asked for.
	first := receiver.all()[0]
	before := len(receiver.all())
	if out, err := ledeIn(t, dir, "webhooks", "replay", first.id).CombinedOutput(); err != nil {
		t.Fatalf("replay: %v\n%s", err, out)
	}
	if !within(time.Minute, func() bool { return len(receiver.all()) > before }) {
		t.Fatal("nothing was told again")
	}
	if again := receiver.all()[before]; again.id != first.id || again.body != first.body {
		t.Errorf("told again was %s %s, want %s %s", again.id, again.body, first.id, first.body)
	}
	stop(t, daemon)
	if left := len(receiver.all()); left != before+1 {
		t.Errorf("%d requests, want %d", left, before+1)
	}
}
