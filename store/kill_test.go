package store_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"lede/newsroom"
	"lede/send"
	"lede/store"
)

// TestMain lets the test's program be another process for the tests that need
// one.
func TestMain(m *testing.M) {
	dsn := os.Getenv("STORE_TEST_DSN")
	var err error
	switch os.Getenv("STORE_TEST_JOB") {
	case "":
		code := m.Run()
		server.Remove()
		durable.Remove()
		os.Exit(code)
	case "open":
		err = openOnce(dsn)
	case "hold":
		err = holdSender(dsn)
	case "send":
		err = sendAll(dsn)
	case "import":
		err = importFile(dsn)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func openOnce(dsn string) error {
	s, err := store.Open(ctx(), dsn)
	if err != nil {
		return err
	}
	return s.Close()
}

// holdSender is the sender until it is killed.
func holdSender(dsn string) error {
	s, err := store.Open(ctx(), dsn)
	if err != nil {
		return err
	}
	if _, _, err := s.AcquireSender(ctx()); err != nil {
		return err
	}
	fmt.Println("held")
	time.Sleep(time.Minute)
	return nil
}

// batch is how many deliveries sendAll has in hand.
const batch = 8

// sendAll sends edition ed1, where sending a mail is printing its subscriber,
// and chooses the subject of its test, if it has one, when the others are sent.
func sendAll(dsn string) error {
	s, err := store.Open(ctx(), dsn)
	if err != nil {
		return err
	}
	_, release, err := s.AcquireSender(ctx())
	if err != nil {
		return err
	}
	defer release()
	ledger := s.Ledger()
	if _, err := ledger.Recover(ctx(), "ed1", false, now); err != nil {
		return err
	}
	var done []send.Outcome
	for {
		c, err := ledger.Commit(ctx(), done, send.Claim{Edition: "ed1", Max: batch, Now: now})
		if err != nil {
			return err
		}
		done = done[:0]
		if len(c.Deliveries) == 0 {
			if s.Choose(ctx(), "ed1", 2, "desk", "", now) == nil {
				continue
			}
			break
		}
		for _, d := range c.Deliveries {
			fmt.Println(d.Subscriber)
			done = append(done, sent(d))
		}
	}
	if _, err := s.Finish(ctx(), "ed1", now); err != nil {
		return err
	}
	return s.Close()
}

// A sender is killed again and again at any instant. Everybody gets the mail;
// twice only who was in hand at a kill, and the ledger knows of the doubt.
func TestKilledSender(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		const people = 1500
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, people)...)
		publish(t, s, "ed1", now)
		killSenders(t, db, s, people, 6)
	})
}

// So it is with a test of subjects: whoever waits for the choice gets the chosen
// one, whenever the sender is killed before, in and after the choice.
func TestKilledAroundTheChoice(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		const people = 400
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, people)...)
		commitAs(t, s, "ed1", now, newsroom.Sending, func(c *newsroom.Content) { c.Variants = tests(30, time.Hour) })
		killSenders(t, db, s, people, 6)
		groups, err := s.Groups(ctx(), "ed1")
		must(t, err)
		if len(groups) != 4 || groups[0].Sent != 280 || groups[1].Sent != 40 {
			t.Errorf("%+v", groups)
		}
		if r, err := s.Edition(ctx(), "ed1"); err != nil || r.Chosen != 2 {
			t.Errorf("chosen %d, %v", r.Chosen, err)
		}
	})
}

// killSenders has edition ed1 sent by senders of which so many are killed.
func killSenders(t *testing.T, db database, s *store.Store, people, kills int) {
	t.Helper()
	got := map[int64]int{}
	killed := 0
	for {
		cmd := child(t, "send", db.dsn)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		stopAfter := people // mails
		if killed < kills {
			stopAfter = rand.IntN(people / kills)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			id, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil {
				t.Fatalf("sender: %s", lines.Text())
			}
			got[id]++
			if n == stopAfter {
				_ = cmd.Process.Kill()
			}
		}
		if err := cmd.Wait(); err == nil {
			break
		}
		killed++
	}
	copies := 0
	for id, n := range got {
		if n > 1 {
			copies += n - 1
		}
		if n == 0 {
			t.Errorf("subscriber %d got nothing", id)
		}
	}
	if len(got) != people || copies > batch*killed || killed == 0 {
		t.Errorf("%d of %d people, %d copies after %d kills", len(got), people, copies, killed)
	}
	r, err := s.Edition(ctx(), "ed1")
	must(t, err)
	if sum := sums(t, s, "ed1"); sum.Sent != people || r.State != newsroom.Done {
		t.Errorf("%s: %+v", r.State, sum)
	}
	t.Logf("%d kills, %d copies", killed, copies)
}
