package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lede/audience"
	"lede/store"
)

// preferencesRoom has what a page of preferences can show: three newsletters,
// of which one comes at its readers' local time.
const preferencesRoom = `data: lede.db
base_url: http://127.0.0.1:9
listen: %s
relays:
  - {id: main, host: 127.0.0.1, port: 9, tls: none}
newsletters:
  - {id: harbour, name: The Harbour Letter, from: letter@example.org, postal_address: "14 Chandler Row, Port Averne",
     lists: [harbour], sources: [{id: desk, folder: stories}]}
  - {id: tides, name: Tides and Weather, from: letter@example.org, postal_address: "14 Chandler Row, Port Averne",
     lists: [tides], sources: [{id: desk, folder: stories}], schedule: "30 6 1 1 *", local_time: true, signup: {open: true}}
  - {id: market, name: Market Day, from: letter@example.org, postal_address: "14 Chandler Row, Port Averne",
     lists: [market], sources: [{id: desk, folder: stories}], signup: {open: true}}
`

// runPreferences measures the page of preferences: how long it takes to come
// while many readers have connections open, each its own person with its own
// link, and open it at random times. The pages are those of `lede serve`, over a
// SQLite file full of people, on loopback.
func runPreferences(ctx context.Context, args []string, stdout io.Writer) error {
	f := flag.NewFlagSet("bench preferences", flag.ContinueOnError)
	many := f.Int("people", 200_000, "people in the database")
	readers := f.Int("readers", 1000, "readers at a time, each with a connection of its own")
	rate := f.Float64("rate", 500, "pages a second that all readers open together; 0: each opens the next at once")
	length := f.Duration("for", 20*time.Second, "how long they do, after a quarter of that to warm up")
	binary := f.String("lede", "", "the lede `binary` to measure; built if not given")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *readers < 1 || *many < *readers || *rate < 0 {
		return errors.New("expected at least one reader, no more readers than people, and a rate of at least 0")
	}
	dir, err := os.MkdirTemp("", "lede-bench-preferences-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &ledes{dir: dir, binary: *binary}
	if l.binary == "" {
		l.binary = filepath.Join(dir, "lede")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.binary, "./cmd/lede").CombinedOutput(); err != nil {
			return fmt.Errorf("building lede: %w: %s", err, out)
		}
	}
	served, err := serve(ctx, l, *many)
	if err != nil {
		return err
	}
	defer served.stop()
	requests, err := links(ctx, filepath.Join(dir, "lede.db"), *many, *readers)
	if err != nil {
		return err
	}
	o := opening{addr: served.addr, requests: requests}
	if *rate > 0 {
		o.pause = time.Duration(float64(*readers) / *rate * float64(time.Second))
	}
	if _, err := o.run(ctx, *length/4); err != nil {
		return err
	}
	machine, self, pages, began := busy(), own(), served.cpu(), time.Now()
	took, err := o.run(ctx, *length)
	if err != nil {
		return err
	}
	clock := time.Since(began).Seconds()
	machine, self, pages = busy()-machine, own()-self, served.cpu()-pages
	slices.Sort(took)
	at := func(share float64) float64 {
		return took[min(len(took)-1, int(share*float64(len(took))))].Seconds() * 1000
	}
	how := fmt.Sprintf("at random, %.0f/s in all", *rate)
	if *rate == 0 {
		how = "again and again, without a pause"
	}
	_, err = fmt.Fprintf(stdout, `GET /s/{token} of "lede serve", SQLite, %d people; %d readers, each with its own connection and link,
open the page %s; from the request to the page's last byte:
p50 %.2f ms  p90 %.2f ms  p99 %.2f ms  p99.9 %.2f ms  max %.2f ms
%d pages in %.1f s, %.0f/s; CPU of the pages %.2f ms a page, of the readers %.2f ms; other work on the machine %.2f cores
`, *many, *readers, how, at(0.5), at(0.9), at(0.99), at(0.999), at(1), len(took), clock, float64(len(took))/clock,
		pages.Seconds()/float64(len(took))*1000, self.Seconds()/float64(len(took))*1000,
		max(0, (machine-self-pages).Seconds()/clock))
	return err
}

// serving is a `lede serve`.
type serving struct {
	cmd  *exec.Cmd
	addr string
	said *bytes.Buffer
	once sync.Once
}

// serve imports people and starts the pages over them.
func serve(ctx context.Context, l *ledes, people int) (*serving, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		return nil, err
	}
	s := &serving{addr: ln.Addr().String(), said: &bytes.Buffer{}}
	ln.Close()
	if err := l.fill(ctx, l.dir, "lede.db", people); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(l.dir, "lede.yaml"), fmt.Appendf(nil, preferencesRoom, s.addr), 0o644); err != nil {
		return nil, err
	}
	s.cmd = exec.CommandContext(ctx, l.binary, "serve", "--pages-elsewhere")
	s.cmd.Dir, s.cmd.Stderr = l.dir, s.said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		answer, err := http.Get("http://" + s.addr + "/healthz")
		if err == nil {
			answer.Body.Close()
			return s, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("lede serve does not answer on %s: %s", s.addr, s.said)
}

// cpu is the CPU time that the process took so far.
func (s *serving) cpu() time.Duration { return spent(s.cmd.Process.Pid) }

func (s *serving) stop() {
	s.once.Do(func() {
		_ = s.cmd.Process.Signal(os.Interrupt)
		_ = s.cmd.Wait() // how it ends is no part of what is measured
	})
}

// links makes the requests of n of the people, spread over all of them.
func links(ctx context.Context, file string, people, n int) (requests [][]byte, err error) {
	s, err := store.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	keys, err := s.Keyring(ctx)
	if err != nil {
		return nil, err
	}
	for i := range n {
		p, err := s.PersonByID(ctx, 1+int64(i)*int64(people)/int64(n))
		if err != nil {
			return nil, err
		}
		token := keys.Sign(audience.PreferencesToken("harbour", p.Subscriber))
		requests = append(requests, []byte("GET /s/"+token+" HTTP/1.1\r\nHost: news.example.org\r\nAccept-Language: en\r\n\r\n"))
	}
	return requests, nil
}

// opening is what readers do: each opens its page again and again.
type opening struct {
	addr     string
	requests [][]byte      // of each reader
	pause    time.Duration // between the pages of one reader, on average; 0: none
}

// run lets the readers read for a while, and returns how long each page took.
func (o opening) run(ctx context.Context, length time.Duration) ([]time.Duration, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	end := time.Now().Add(length)
	took, failed := make([][]time.Duration, len(o.requests)), make([]error, len(o.requests))
	var reading sync.WaitGroup
	for i := range o.requests {
		reading.Go(func() {
			if took[i], failed[i] = o.read(ctx, o.requests[i], end); failed[i] != nil {
				stop()
			}
		})
	}
	reading.Wait()
	all := slices.Concat(took...)
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no page was opened; take more time (-for)")
	}
	return all, nil
}

// read is one reader, until a time. Its connection is opened with its first page,
// which is not counted.
func (o opening) read(ctx context.Context, request []byte, end time.Time) (took []time.Duration, err error) {
	var conn net.Conn
	var in *bufio.Reader
	for {
		if o.pause > 0 {
			// Pauses of this kind make the requests of many readers as random
			// as those of strangers are. The pages close a connection after a
			// minute without a request.
			pause := time.Duration(rand.ExpFloat64() * float64(o.pause))
			select {
			case <-ctx.Done():
			case <-time.After(min(pause, 45*time.Second, time.Until(end))):
			}
		}
		if ctx.Err() != nil || !time.Now().Before(end) {
			return took, nil
		}
		first := conn == nil
		if first {
			if conn, err = net.Dial("tcp", o.addr); err != nil {
				return nil, err
			}
			defer conn.Close()
			in = bufio.NewReaderSize(conn, 16<<10)
		}
		began := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		page, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return nil, err
		}
		if !first {
			took = append(took, time.Since(began))
		}
		if answer.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(`value="tides"`)) {
			return nil, fmt.Errorf("%s instead of the page: %.300s", answer.Status, page)
		}
	}
}
