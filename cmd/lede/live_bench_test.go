package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSave measures what an editor waits for: from a story's, a template's
// or the configuration's save until the preview's page and the letter in its
// frame have been read anew, over HTTP and with the page's own event stream. The
// newsroom has 200 story files, a feed of 100 items, and a lead of twelve
// paragraphs with a photograph.
//
//	tell   from the save to the event that tells the page
//	page   from there to the page's last byte: gathered, assembled, rendered, checked
//	frame  from there to the letter's
//	cpu    of all of it, user and system: what a busy machine does not distort
func BenchmarkSave(b *testing.B) {
	dir := b.TempDir()
	benchNewsroom(b, dir)
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, configFile: filepath.Join(dir, "lede.yaml")}
	h, err := a.open(b.Context(), wiring{by: "preview", quiet: true})
	if err != nil {
		b.Fatal(err)
	}
	defer h.close()
	l := newLive(a, h)
	ctx, cancel := context.WithCancel(b.Context())
	server := httptest.NewServer(l.page(h.newsletters[0]).Handler())
	defer server.Close()
	defer cancel() // before the server closes: the stream would go on
	events := eventsOf(ctx, b, server.URL)
	get := func(path string) string {
		res, err := http.Get(server.URL + path)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(err, res.Status, string(body))
		}
		return string(body)
	}
	frame := regexp.MustCompile(`<iframe[^>]* src="([^"]+)"`)
	get("/") // reads everything for the first time
	for _, save := range []struct {
		name, file, at string // a text in the file, of which each save makes a new one
	}{
		{"story", "stories/story-000.md", "sails again"},
		{"brief", "stories/story-001.md", "Fish market"},
		{"template", "theme/footer.html", "the end"},
		{"configuration", "lede.yaml", "Good morning"},
	} {
		b.Run(save.name, func(b *testing.B) {
			name := filepath.Join(dir, filepath.FromSlash(save.file))
			data, err := os.ReadFile(name)
			if err != nil || !strings.Contains(string(data), save.at) {
				b.Fatal(save.at, " stands not in ", name, err)
			}
			var told, drawn, framed, cpu time.Duration
			n := 0
			for b.Loop() {
				n++
				word := fmt.Sprintf("%s %d", save.at, n)
				for quiet := true; quiet; { // what an earlier save still had to tell
					select {
					case <-events:
					case <-time.After(30 * time.Millisecond):
						quiet = false
					}
				}
				start, used := time.Now(), cpuTime(b)
				if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(data), save.at, word)), 0o600); err != nil {
					b.Fatal(err)
				}
				for {
					<-events
					tell := time.Since(start)
					page := get("/")
					draw := time.Since(start)
					src := frame.FindStringSubmatch(page)
					if src == nil {
						b.Fatal("the page shows no letter: ", page)
					}
					letter := get(strings.ReplaceAll(src[1], "&amp;", "&"))
					if strings.Contains(letter, word) {
						cpu += cpuTime(b) - used
						told, drawn, framed = told+tell, drawn+draw-tell, framed+time.Since(start)-draw
						break
					}
				}
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(n) }
			b.ReportMetric(ms(cpu), "cpu-ms")
			b.ReportMetric(ms(told), "tell-ms")
			b.ReportMetric(ms(drawn), "page-ms")
			b.ReportMetric(ms(framed), "frame-ms")
			b.ReportMetric(ms(told+drawn+framed), "save-ms")
			b.ReportMetric(0, "ns/op") // it has the pauses between saves in it
		})
	}
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// eventsOf reads the event stream of a preview.
func eventsOf(ctx context.Context, b *testing.B, url string) <-chan string {
	b.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/live", nil)
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	events := make(chan string, 100)
	go func() { // until ctx ends
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if version, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- version
			}
		}
	}()
	return events
}

// benchNewsroom writes a newsroom as large as a busy daily's.
func benchNewsroom(b testing.TB, dir string) {
	b.Helper()
	write := func(name, text string) {
		b.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("lede.yaml", `
data: lede.db
base_url: http://127.0.0.1:29999
listen: 127.0.0.1:29999
relays:
  - {id: main, host: 127.0.0.1, port: 29998, tls: none}
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@harbour.example>
    editor: {name: Ines Okafor, greeting: "Good morning from the quay."}
    postal_address: 14 Chandler Row, Port Averne
    timezone: Europe/Lisbon
    schedule: "30 6 * * MON-FRI"
    lists: [harbour]
    theme_dir: theme
    sources:
      - {id: desk, folder: stories, own: true}
      - {id: courier, feed: courier.xml}
    lead: {from: [desk], length: 20000}
    sections:
      - {title: In brief, from: [desk], max: 6, teaser: 240}
      - {title: Elsewhere, from: [courier], max: 4, teaser: 240}
`)
	footer, err := os.ReadFile("../../templates/broadsheet/footer.html")
	if err != nil {
		b.Fatal(err)
	}
	write("theme/footer.html", strings.Replace(string(footer), `{{- template "smallprint" .}}`, `the end {{template "smallprint" .}}`, 1))
	now := time.Now()
	for i := range 200 {
		title := benchWords(i, 7)
		paragraphs := 5
		more := "weight: 1"
		switch i {
		case 0:
			title, paragraphs, more = "Ferry to Skerrow sails again", 12, "lead: true\nimage: quay.jpg\nimage_alt: The quay"
		case 1:
			title, more = "Fish market moves to the old quay", "weight: 100"
		}
		var text strings.Builder
		fmt.Fprintf(&text, "---\ntitle: %s\nurl: https://harbour.example/%d\nauthor: Ines Okafor\ndate: %s\n%s\n---\n", title, i, now.Add(-time.Duration(i)*time.Minute).Format(time.RFC3339), more)
		for p := range paragraphs {
			text.WriteString("\n" + benchWords(i*20+p, 60) + ".\n")
		}
		write(fmt.Sprintf("stories/story-%03d.md", i), text.String())
	}
	var feed strings.Builder
	feed.WriteString(`<rss version="2.0"><channel><title>Courier</title><link>https://courier.example</link>`)
	for i := range 100 {
		fmt.Fprintf(&feed, "<item><title>%s</title><link>https://courier.example/%d</link><guid>%d</guid><pubDate>%s</pubDate><description>%s</description></item>",
			benchWords(9000+i, 7), i, i, now.Add(-time.Duration(i)*time.Minute).Format(time.RFC1123Z), benchWords(20_000+i, 120))
	}
	write("courier.xml", feed.String()+"</channel></rss>")
	photo := image.NewRGBA(image.Rect(0, 0, 1600, 1066))
	for y := range 1066 {
		for x := range 1600 {
			photo.Set(x, y, color.RGBA{uint8(x * y), uint8(x ^ y), uint8(y / 5), 255}) //nolint:gosec // any colour will do
		}
	}
	file, err := os.Create(filepath.Join(dir, "stories", "quay.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if err := jpeg.Encode(file, photo, nil); err != nil {
		b.Fatal(err)
	}
	// Written an hour ago, as nearly all files of a newsroom were.
	if err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(name, time.Time{}, now.Add(-time.Hour)))
	}); err != nil {
		b.Fatal(err)
	}
}

// benchWords returns count words; another number gives others.
func benchWords(number, count int) string {
	syllables := strings.Fields("ba der fin go har lin mo nes qua rol sit tor ul ven wick yar")
	state := uint64(number)*2654435761 + 12345 //nolint:gosec // never negative
	next := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n //nolint:gosec // 31 bits
	}
	words := make([]string, count)
	for i := range words {
		for range 2 + next(2) {
			words[i] += syllables[next(len(syllables))]
		}
	}
	words[0] = strings.ToUpper(words[0][:1]) + words[0][1:]
	return strings.Join(words, " ")
}
