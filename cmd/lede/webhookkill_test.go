package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The moments at which TestChaosWebhooks kills the daemon.
var hookKills = []struct {
	name string
	// kill is called in place of an answer: kill ends the daemon, and hold keeps it
	// from writing to its database until free.
	kill func(w http.ResponseWriter, kill func(), hold func() (free func()))
}{
	{"before the answer", func(_ http.ResponseWriter, kill func(), _ func() func()) {
		kill()
	}},
	{"between the answer and its note", func(w http.ResponseWriter, kill func(), hold func() func()) {
		free := hold()
		defer free()
		answerNow(w)
		<-time.After(100 * time.Millisecond) // it has the answer by now, and can't write it down
		kill()
	}},
	{"soon after the answer", func(w http.ResponseWriter, kill func(), _ func() func()) {
		answerNow(w)
		<-time.After(time.Duration(rand.Int64N(int64(10 * time.Millisecond))))
		kill()
	}},
}

// answerNow answers in full.
func answerNow(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
}

// TestChaosWebhooks kills the daemon while it tells a webhook. Whoever was told
// that their sign-up was taken is told of: after the last start everything is,
// under one webhook-id each, and no more comes again than was on its way.
func TestChaosWebhooks(t *testing.T) {
	for engine, data := range engines {
		t.Run(engine, func(t *testing.T) { killTelling(t, data(t), doses(len(hookKills), 30)) })
	}
}

func killTelling(t *testing.T, data string, kills int) {
	receiver := newCRM(t)
	dir, site := hookRoom(t, data, 9, receiver.URL+"/hooks", ", double_opt_in: false")
	db := openRaw(t, dir, data)
	defer db.Close()
	hold := func() func() { return holdFrom(t, db, data, "webhook") }

	var taken []string
	for k := range kills {
		moment := hookKills[k%len(hookKills)]
		daemon := daemonIn(t, dir, site)
		killed, struck := make(chan struct{}), make(chan struct{}, 1)
		var before atomic.Int64 // events that came
		after := rand.Int64N(4) // that are taken before the kill
		receiver.answers(func(w http.ResponseWriter, _ told, _ int) bool {
			select {
			case <-killed:
				return false
			default:
			}
			if before.Add(1) <= after {
				return false
			}
			select {
			case struck <- struct{}{}:
				moment.kill(w, func() { end(daemon); close(killed) }, hold)
			default:
				<-killed // it waits for its answer like the one that is struck
			}
			return true
		})
		for i := range 12 {
			if who := fmt.Sprintf("reader%d-%d@northpost.example", k, i); signsUp(site, who) {
				taken = append(taken, who)
			}
		}
		select {
		case <-killed:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: nothing was told", moment.name)
		}
	}
	receiver.answers(nil)
	daemon := daemonIn(t, dir, site)
	var logged map[string]loggedWebhook
	ended := within(time.Minute, func() bool {
		logged = loggedHooks(t, dir)
		for _, l := range logged {
			if l.State != "delivered" {
				return false
			}
		}
		return true
	})
	if !ended {
		t.Errorf("not all was told: %+v", logged)
	}
	stop(t, daemon)

	times, again := receiver.audit(t), 0
	for id, l := range logged {
		if times[id] == 0 {
			t.Errorf("never told, and noted as delivered: %+v", l)
		}
		again += times[id] - len(l.Attempts)
	}
	for id := range times {
		if logged[id].Message == "" {
			t.Errorf("told and not in the log: %s", id)
		}
	}
	for _, who := range taken {
		if !slices.ContainsFunc(receiver.all(), func(e told) bool { return e.Type == "subscribed" && e.Data.Subscriber.Address == who }) {
			t.Errorf("the sign-up of %s was taken and not told", who)
		}
	}
	// What was told and not noted was on its way at a kill.
	if again < 1 || again > 8*kills {
		t.Errorf("%d came again by %d kills, at most 8 each are on their way", again, kills)
	}
	t.Logf("%d kills, %d sign-ups taken, %d events, %d came again", kills, len(taken), len(logged), again)
}

// holdFrom keeps all others from writing to a table, until free.
func holdFrom(t *testing.T, db *sql.DB, data, table string) (free func()) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Error(err)
		return func() {}
	}
	texts := []string{"BEGIN IMMEDIATE"}
	if strings.HasPrefix(data, "postgres") {
		texts = []string{"BEGIN", "LOCK TABLE " + table + " IN EXCLUSIVE MODE"}
	}
	for _, text := range texts {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Error(err)
		}
	}
	return func() {
		_, _ = conn.ExecContext(context.Background(), "ROLLBACK")
		conn.Close()
	}
}

// end kills a daemon and waits for its end.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// signsUp says whether a sign-up was taken; a daemon that dies takes none. Each
// comes from a network of its own.
func signsUp(site, who string) bool {
	req, err := http.NewRequest(http.MethodPost, site+"/subscribe/harbour.json", strings.NewReader(`{"address":"`+who+`"}`))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.%d.%d.7", rand.IntN(250), rand.IntN(250)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusAccepted
}
