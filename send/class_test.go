package send

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		answer string
		want   class
	}{
		{"550 5.1.1 <a@b.example>: Recipient address rejected: User unknown", noMailbox},
		{"550 5.1.1 no such user", noMailbox},
		{"550 5.1.10 RESOLVER.ADR.RecipientNotFound", noMailbox},
		{"550 5.1.6 gone for good", noMailbox},
		{"550 5.1.1 rejected as spam", policy},
		{"550 5.1.1 too many recipients this hour", policy},
		{"550 5.1.1 domain does not exist", noDomain},
		{"550 5.1.0 unknown user", noMailbox},
		{"550 5.1.0 address rejected", unclear},
		{"550 5.1.2 no such host", noDomain},
		{"550 5.1.8 sender address rejected", policy},
		{"550 5.0.0 user unknown", noMailbox},
		{"550 5.5.0 no such user here", noMailbox},
		{"550 5.5.0 mailbox unavailable", unclear},
		{"550 no such user", noMailbox},
		{"551 user does not exist", noMailbox},
		{"553 no mailbox here by that name", noMailbox},
		{"550 user unknown, or you are blocked", policy},
		{"554 5.7.1 user unknown", policy},
		{"550 5.7.515 access denied, sending domain does not pass DMARC", policy},
		{"554 5.7.1 client host blocked using zen.spamhaus.org", policy},
		{"550 5.7.1 relaying denied", policy},
		{"554 relay access denied", policy},
		{"571 no", policy},
		{"550 5.7.26 unauthenticated mail", policy},
		{"550 rejected by administrative policy", policy},
		{"552 5.2.2 over quota", mailboxFull},
		{"552 mailbox full", mailboxFull},
		{"550 5.2.1 the account is disabled", disabled},
		{"550 account suspended", disabled},
		{"552 5.3.4 message too big", tooBig},
		{"552 message size exceeds limit", tooBig},
		{"535 5.7.8 bad credentials", relayFault},
		{"530 authentication required", relayFault},
		{"503 bad sequence", relayFault},
		{"556 domain does not accept mail", noDomain},
		{"550 5.4.4 unable to route", noDomain},
		{"550", unclear},
		{"554 transaction failed", unclear},
		{"450 4.2.0 greylisted", greylisted},
		{"451 4.7.1 Greylisting in action", greylisted},
		{"450 4.7.28 too many mails", throttled},
		{"451 4.7.500 server busy", throttled},
		{"450 slow down", throttled},
		{"452 4.2.2 mailbox full", mailboxFull},
		{"450 4.1.1 unverified address", unclear},
		{"451 4.3.0 local error", relayFault},
		{"450", unclear},
	} {
		code, _ := strconv.Atoi(test.answer[:3])
		if got := judge(reply{code, strings.TrimPrefix(test.answer[3:], " ")}); got != test.want {
			t.Errorf("%s: class %d, want %d", test.answer, got, test.want)
		}
	}
}

func TestEnhancedCode(t *testing.T) {
	for text, want := range map[string]enhanced{
		"5.1.1 no":         {5, 1, 1},
		"5.7.515 no":       {5, 7, 515},
		"2.0.0":            {2, 0, 0},
		"":                 {},
		"5.1":              {},
		"5.1.":             {},
		"5.1.1x":           {},
		"5.1.12345":        {},
		"3.1.1 no":         {},
		"192.0.2.1 is bad": {},
		"no 5.1.1":         {},
	} {
		if got, ok := enhancedCode(text); got != want || ok != (want != enhanced{}) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// diagnostic finds what a server answered in a bounce.
var diagnostic = regexp.MustCompile(`(?mi)^diagnostic-code:\s*smtp;\s*((?:.*\r?\n)(?:[ \t]+.*\r?\n)*)`)

// answered finds the reply in it.
var answered = regexp.MustCompile(`\b([45]\d\d)[ -]#?(.*)`)

// What real servers answered, by path: the words are not ours to copy. The
// worst is to suppress somebody whose mailbox is there.
func TestJudgeRealAnswers(t *testing.T) {
	folder := "../../shared/data/bounces"
	data, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("without ", folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][]struct {
		Verdict, Reason string
		Accept          []string
		Policy          bool
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	total, right, suppressed, missed, wrong, blamed, policies := 0, 0, 0, 0, 0, 0, 0
	for name, verdicts := range expected {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		found := diagnostic.FindAllStringSubmatch(string(raw), -1)
		if len(found) != len(verdicts) {
			continue // not to be told apart
		}
		for i, want := range verdicts {
			text := strings.Join(strings.Fields(found[i][1]), " ")
			m := answered.FindStringSubmatch(text)
			if m == nil {
				continue
			}
			code, _ := strconv.Atoi(m[1])
			got := judge(reply{code, strings.TrimSpace(m[2])})
			if code/100 == 4 {
				if got.suppress() != "" {
					t.Errorf("%s: a 4xx suppresses: %s", name, text)
				}
				continue
			}
			total++
			gone := want.Reason == "userunknown" || want.Reason == "hasmoved"
			ok := true
			switch {
			case got.suppress() != "" && want.Verdict != "hard" && !strings.Contains(fmt.Sprint(want.Accept), "hard"):
				wrong++
				ok = false
				t.Errorf("%s: suppressed, but it is %s (%s): %s", name, want.Verdict, want.Reason, text)
			case got.suppress() != "":
				suppressed++
			case gone:
				missed++
				ok = false
				t.Logf("%s: missed (class %d): %s", name, got, text)
			}
			if want.Policy {
				policies++
				if got.blames() {
					blamed++
				} else {
					ok = false
					t.Logf("%s: not blamed (class %d, %s): %s", name, got, want.Reason, text)
				}
			}
			if ok {
				right++
			}
		}
	}
	t.Logf("%d final answers, %d right; %d suppressed, %d wrongly, %d missed; %d of %d that blame us", total, right, suppressed, wrong, missed, blamed, policies)
	if total < 80 || right*100 < total*85 {
		t.Errorf("%d of %d are right", right, total)
	}
}

func TestToldWait(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"4.7.1 greylisted, try again in 300 seconds":      300 * time.Second,
		"4.7.1 Greylisted for 5 minutes":                  5 * time.Minute,
		"please retry in 60s":                             time.Minute,
		"come back after 00:04:59":                        4*time.Minute + 59*time.Second,
		"retry after 05:00.":                              5 * time.Minute,
		"wait at least 1 hour":                            time.Hour,
		"deferred (300 sec)":                              300 * time.Second,
		"4.2.0 try again later":                           0,
		"4.7.1 code 451 at 192.0.2.7":                     0,
		"limit of 100 mails":                              0,
		"":                                                0,
		"99999999999999999999 seconds":                    0,
		"session 12s4 ended":                              0,
		"4.7.1 for more see https://help.example/300/sec": 300 * time.Second,
	} {
		if got := toldWait(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(550, "5.1.1 no such user")
	f.Add(451, "4.7.1 greylisted, try again in 300 seconds")
	f.Add(554, "::::")
	f.Fuzz(func(t *testing.T, code int, text string) {
		got := judge(reply{code, text})
		if got.suppress() != "" && (code/100 == 4 || hasAny(strings.ToLower(text), []string{"spam", "blacklist", "dmarc"})) {
			t.Errorf("%d %q suppresses", code, text)
		}
		if wait := toldWait(text); wait < 0 || wait > 1e6*time.Hour {
			t.Errorf("%q: wait %s", text, wait)
		}
	})
}
