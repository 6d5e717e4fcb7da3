package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"lede/internal/mailtest"
	"lede/newsroom"
)

// Lanes and depth of these sends.
const (
	serverLanes = 4
	serverDepth = 8
)

// login is a relay's settings for who may send.
var login = fmt.Sprintf("username: %s, password: %q, ", mailtest.User, mailtest.Password)

// serverRoom makes a newsroom that mails readers, "address,name", through a
// relay written as in lede.yaml; more are settings of the newsletter.
func serverRoom(t *testing.T, relay string, readers [][]string, more string) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("lede.yaml", fmt.Sprintf(`data: lede.db
base_url: http://127.0.0.1:9
relays:
  - %s
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@port-averne.example>
    bounce_address: bounces@port-averne.example
    postal_address: 14 Chandler Row, Port Averne
    editor: {name: Ines Okafor, greeting: "Good morning from the quay, {name|dear reader}."}
    subject: "{name|Reader}, {lead}"
    lists: [harbour]
    lead: {min_words: 3}
    sources: [{id: desk, folder: stories}]
%s`, relay, more))
	// Everything that gets lost or changed on the way by senders that are not
	// careful: dots and "From " that begin lines, blanks that end them, long
	// lines, letters of many scripts, what looks like the end of a mail.
	put("stories/ferry.md", "---\ntitle: Fähre “Averne Maid” sails again at 05:40 ⛴\n---\n\n"+
		".\n\n..\n\n.hidden line\n\nFrom the north quay she left at 05:40.  \nFrom =3D here = on.\n\n\tA tab. 日本語のお知らせ, ελληνικά, עברית.\n\n"+
		strings.Repeat("The Averne Maid left the north quay at 05:40, and nobody was late. ", 40)+"\n\n"+
		"[A long address](https://example.org/"+strings.Repeat("harbour/", 120)+"?a=1&b=.)\n\n"+strings.Repeat("x.", 900)+"\n\n.")
	var list bytes.Buffer
	w := csv.NewWriter(&list)
	if err := w.WriteAll(append([][]string{{"email", "name"}}, readers...)); err != nil {
		t.Fatal(err)
	}
	put("readers.csv", list.String())
	if out, err := ledeIn(t, dir, "import", "harbour", "readers.csv").CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	return dir
}

// plainReaders are n readers with a number each.
func plainReaders(n int) [][]string {
	var readers [][]string
	for i := range n {
		readers = append(readers, []string{fmt.Sprintf("reader%04d@northpost.example", i), fmt.Sprintf("Reader %d", i)})
	}
	return readers
}

// sent runs `lede send` and returns its report, what it said, and its exit
// status.
func sent(t *testing.T, dir string, args ...string) (newsroom.Report, string, int) {
	t.Helper()
	cmd := ledeIn(t, dir, append([]string{"send", "harbour", "--yes", "--json"}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the status says it
	var rep newsroom.Report
	if err := json.Unmarshal([]byte(stdout.String()), &rep); err != nil {
		t.Fatalf("send: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	return rep, stderr.String(), cmd.ProcessState.ExitCode()
}

// sentAll is sent where everybody is to get the mail.
func sentAll(t *testing.T, dir string, readers int) newsroom.Report {
	t.Helper()
	rep, said, code := sent(t, dir)
	if code != exitDone || rep.Sent != readers || rep.Audience != readers {
		t.Fatalf("exit status %d, want %d sent of %d:\n%+v\n%s", code, readers, readers, rep, said)
	}
	return rep
}

// signers writes DKIM keys of both kinds into a newsroom and returns the
// newsletter's setting and the DNS records.
func signers(t *testing.T, dir string) (setting string, records map[string]string) {
	t.Helper()
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, short, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	longDER, err := x509.MarshalPKIXPublicKey(long.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"rsa.pem": long, "ed25519.pem": short} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	setting = `    dkim:
      - {domain: port-averne.example, selector: long, key: ` + filepath.Join(dir, "rsa.pem") + `}
      - {domain: port-averne.example, selector: short, key: ` + filepath.Join(dir, "ed25519.pem") + `}
`
	return setting, map[string]string{
		"long._domainkey.port-averne.example":  "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(longDER),
		"short._domainkey.port-averne.example": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public),
	}
}

// checkSignatures verifies every mail's signatures, one by each record.
func checkSignatures(t *testing.T, mails []mailtest.Mail, records map[string]string) {
	t.Helper()
	options := &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) { return []string{records[name]}, nil }}
	for _, m := range mails {
		found, err := dkim.VerifyWithOptions(bytes.NewReader(m.Data), options)
		if err != nil || len(found) != len(records) {
			t.Fatalf("%s: %d signatures, want %d: %v", m.To, len(found), len(records), err)
		}
		for _, f := range found {
			if f.Err != nil {
				t.Fatalf("%s: %v\n%.3000s", m.To, f.Err, m.Data)
			}
		}
	}
	// And by a verifier that is not written in Go, on some of them.
	const script = `
import sys, json, base64, dkim
records = {k + ".": v.encode() for k, v in json.loads(sys.argv[1]).items()}
for line in sys.stdin:
    d = dkim.DKIM(base64.b64decode(line))
    n = len([h for h in d.headers if h[0].lower() == b"dkim-signature"])
    print(all(d.verify(idx=i, dnsfunc=lambda name, timeout=5: records.get(name.decode())) for i in range(n)), n)`
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dkim").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3-dkim is not installed")
		}
		return
	}
	names, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	var some, want strings.Builder
	for _, m := range mails[:min(20, len(mails))] {
		fmt.Fprintln(&some, base64.StdEncoding.EncodeToString(m.Data))
		fmt.Fprintf(&want, "True %d\n", len(records))
	}
	cmd := exec.Command(python, "-c", script, string(names))
	cmd.Stdin = strings.NewReader(some.String())
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != want.String() {
		t.Errorf("dkimpy: %v\n%s", err, out)
	}
}

// once fails the test unless each of the addresses has exactly one mail, and
// nobody else has any.
func once(t *testing.T, mails []mailtest.Mail, addresses []string) {
	t.Helper()
	got := map[string]int{}
	for _, m := range mails {
		got[m.To]++
		if m.From != "bounces@port-averne.example" {
			t.Errorf("%s: envelope sender %s", m.To, m.From)
		}
	}
	var wrong []string
	for _, a := range addresses {
		if got[a] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s %d", a, got[a]))
		}
		delete(got, a)
	}
	if len(wrong) > 0 {
		t.Fatalf("%d of %d did not get one mail: %s …", len(wrong), len(addresses), wrong[:min(10, len(wrong))])
	}
	if len(got) > 0 {
		t.Errorf("nobody sent mail to %v", got)
	}
}

var (
	signatureField = regexp.MustCompile(`(?m)\ADKIM-Signature:.*\r\n([ \t].*\r\n)*`)
	dateField      = regexp.MustCompile(`(?m)^Date: (.+)\r$`)
	messageIDField = regexp.MustCompile(`(?m)^Message-ID: (<[a-z2-7]{32}@port-averne\.example>)\r$`)
	feedbackField  = regexp.MustCompile(`(?m)^Feedback-ID: (proof|[0-9a-f]{16}):`)
	leaveField     = regexp.MustCompile(`(?m)^List-Unsubscribe: <(http://127\.0\.0\.1:9/u/([A-Za-z0-9_-]+))>\r$`)
)

// bare takes out of a mail what may differ between a preview and the mail that
// is sent, and nothing else: the signatures, Date, Message-ID, and the two
// links that carry a token. page is what stands in the link to the web page.
func bare(t *testing.T, data []byte, page string) []byte {
	t.Helper()
	head, body, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	head = append(bytes.Clone(head), '\r', '\n')
	for signatureField.Match(head) {
		head = signatureField.ReplaceAll(head, nil)
	}
	take := func(field *regexp.Regexp, put string) []string {
		found := field.FindAllStringSubmatch(string(head), -1)
		if len(found) != 1 {
			t.Fatalf("%d fields like %s\n%s", len(found), field, head)
		}
		head = field.ReplaceAll(head, []byte(put))
		return found[0]
	}
	if _, err := mail.ParseDate(take(dateField, "Date: {date}\r")[1]); err != nil {
		t.Error(err)
	}
	take(messageIDField, "Message-ID: {id}\r")
	take(feedbackField, "Feedback-ID: {edition}:")
	leave := take(leaveField, "List-Unsubscribe: <{leave}>\r")
	if page == "" {
		page = leave[2]
	}
	for name, link := range map[string]string{"leave": leave[1], "view": "http://127.0.0.1:9/e/" + page} {
		body = bytes.ReplaceAll(body, []byte(wrapped(link)), []byte("{"+name+"}=\r\n"))
	}
	return slices.Concat(head, []byte("\r\n"), body)
}

// wrapped is a link as it stands in quoted-printable: on lines of its own of at
// most 75 characters.
func wrapped(link string) string {
	var b strings.Builder
	for len(link) > 75 {
		b.WriteString(link[:75] + "=\r\n")
		link = link[75:]
	}
	return b.String() + link + "=\r\n"
}

// asPreviewed fails the test unless every mail is, byte for byte, what a preview
// of the edition shows its reader.
func asPreviewed(t *testing.T, dir, edition string, mails []mailtest.Mail) {
	t.Helper()
	a := &app{
		stdin: strings.NewReader(""), stdout: t.Output(), stderr: t.Output(),
		environ: os.Environ(), now: time.Now, configFile: filepath.Join(dir, "lede.yaml"),
	}
	h, err := a.open(context.Background(), wiring{by: "test", quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	ids := map[string]bool{}
	for i, m := range mails {
		_, p, err := h.storedProof(context.Background(), edition, wanted{as: m.To})
		if err != nil {
			t.Fatal(err)
		}
		got, want := bare(t, m.Data, edition), bare(t, p.eml, "")
		if i == 0 && (bytes.Count(got, []byte("{leave}")) != 3 || bytes.Count(got, []byte("{view}")) != 2) {
			t.Fatalf("the links are not where they should be:\n%s", got)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %s", m.To, unlike(want, got))
		}
		id := string(messageIDField.Find(m.Data))
		if ids[id] {
			t.Errorf("two mails with %s", id)
		}
		ids[id] = true
	}
	// The command writes what it shows.
	out := filepath.Join(t.TempDir(), "letter")
	if said, err := ledeIn(t, dir, "preview", "--edition", edition, "--as", mails[0].To, "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("preview: %v\n%s", err, said)
	}
	eml, err := os.ReadFile(filepath.Join(out, "edition.eml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bare(t, eml, ""), bare(t, mails[0].Data, edition)) {
		t.Errorf("the previewed file is another mail:\n%s", eml)
	}
}

// unlike says where a mail begins to be another than was previewed.
func unlike(want, got []byte) string {
	a, b := strings.Split(string(want), "\r\n"), strings.Split(string(got), "\r\n")
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return fmt.Sprintf("line %d: previewed %q, arrived %q", n+1, a[n:min(n+3, len(a))], b[n:min(n+3, len(b))])
}

// refused sends in vain: the command says why, nobody fails,
// and the password shows nowhere.
func refused(t *testing.T, dir, want string) {
	t.Helper()
	rep, said, code := sent(t, dir, "--wait", "1s")
	if code != exitFailed || rep.Pending == 0 || rep.Pending != rep.Audience || !strings.Contains(said, want) {
		t.Errorf("exit status %d, want %q: %+v\n%s", code, want, rep, said)
	}
	for _, secret := range []string{mailtest.Password, base64.StdEncoding.EncodeToString([]byte(mailtest.Password))} {
		if strings.Contains(said, secret) {
			t.Errorf("the password is shown:\n%s", said)
		}
	}
}

// commands sums up what clients said to a Postfix in all sessions: "mail",
// "rcpt", "bdat", "data", "rset", …
func commands(log string) map[string]int {
	sums := map[string]int{}
	for _, line := range regexp.MustCompile(`disconnect from \S+ (.*)`).FindAllStringSubmatch(log, -1) {
		for word := range strings.FieldsSeq(line[1]) {
			name, number, _ := strings.Cut(word, "=")
			number, _, _ = strings.Cut(number, "/") // carried out / said
			n, _ := strconv.Atoi(number)
			sums[name] += n
		}
	}
	return sums
}

// checkPostfixLog finds what Postfix thought strange of us.
func checkPostfixLog(t *testing.T, log string) {
	t.Helper()
	for line := range strings.SplitSeq(log, "\n") {
		for _, word := range []string{"warning:", "improper command", "Error:", "error:", "fatal:", "lost connection", "too many", "timeout"} {
			if strings.Contains(line, word) {
				t.Errorf("Postfix says: %s", line)
			}
		}
	}
}
