package newsroom

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"lede/send"
)

// noticeLimit bounds telling the desk, which must not hold up the next slot.
const noticeLimit = time.Minute

// notify mails the desk what became of a slot. When the relay itself is what
// failed, notify_command gets the same text on its standard input.
func (r *Room) notify(ctx context.Context, n Newsletter, rep Report) {
	if len(n.Notify) == 0 && len(n.NotifyCommand) == 0 {
		return
	}
	subject, text := NoticeText(n, rep)
	err := r.mailNotice(ctx, n, rep, subject, text)
	if err == nil && len(n.Notify) > 0 {
		return
	}
	if err != nil {
		r.Log.Error("the desk could not be told by mail", "newsletter", n.ID, "edition", rep.Edition, "err", err)
	}
	if len(n.NotifyCommand) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noticeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, n.NotifyCommand[0], n.NotifyCommand[1:]...)
	cmd.WaitDelay = time.Second // for what it started and left
	cmd.Stdin = strings.NewReader(subject + "\n\n" + text)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Log.Error("notify_command failed", "newsletter", n.ID, "err", err, "output", firstLine(string(out)))
	}
}

func (r *Room) mailNotice(ctx context.Context, n Newsletter, rep Report, subject, text string) error {
	ctx, cancel := context.WithTimeout(ctx, noticeLimit)
	defer cancel()
	for _, to := range n.Notify {
		mail, err := send.Notice(n.Sender, to, subject, text, r.Now(), r.NewID())
		if err != nil {
			return fmt.Errorf("writing to %s: %w", to, err)
		}
		if err := r.Dispatcher.Post(ctx, n.Relay, n.Sender.Envelope(), []string{to}, mail); err != nil {
			return err
		}
	}
	return nil
}

// NoticeText is the short mail after a slot: what happened, why, the sums, dead
// sources, what to do.
func NoticeText(n Newsletter, rep Report) (subject, text string) {
	var b strings.Builder
	slot := rep.Slot.In(n.Recipe.Zone).Format("Monday 2 January 15:04")
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	what := string(rep.State)
	switch rep.State {
	case Done:
		what = fmt.Sprintf("sent to %d of %d readers", rep.Sent, rep.Audience)
	case Sending:
		what = fmt.Sprintf("sent to %d of %d readers, %d come again", rep.Sent, rep.Audience, rep.Deferred+rep.Pending)
		if rep.Last != nil && rep.Last.After(rep.At) {
			what = fmt.Sprintf("sent to %d of %d readers, %d are due later", rep.Sent, rep.Audience, rep.Pending)
			if rep.Deferred > 0 {
				what += fmt.Sprintf(", %d come again", rep.Deferred)
			}
		}
	case Paused:
		what = fmt.Sprintf("paused after %d of %d readers", rep.Sent, rep.Audience)
	case Waiting:
		what = "waits for approval"
	}
	if late := rep.Started; late != nil && late.Sub(rep.Slot) > lateBy && !rep.ByHand {
		what += ", late"
		say("The slot was %s; it began at %s.", slot, late.In(n.Recipe.Zone).Format("15:04 on 2 January"))
	} else {
		say("The slot was %s.", slot)
	}
	subject = n.Name + ": " + what
	if rep.Subject != "" {
		say("Subject: %s", rep.Subject)
	}
	if rep.Why != "" {
		say("Why: %s", rep.Why)
	}
	if t := rep.Test; t != nil && t.Chosen == 0 && (rep.State == Sending || rep.State == Paused) {
		say("\nA test of subjects is on its way to %d%% of the readers; the others wait for the choice:", t.Share)
		for _, s := range t.Subjects {
			say("  %d  “%s” (%d sent)", s.Number, s.Subject, s.Sent)
		}
		say("To choose: lede editions choose %s N", rep.Edition)
		if rep.State == Sending && t.Until != nil {
			end := "the edition is paused (otherwise: hold)"
			if t.Otherwise != OtherwiseHold {
				end = "they get the first (otherwise: first)"
			}
			say("If nobody chooses by %s, %s.", t.Until.In(n.Recipe.Zone).Format("15:04 on Monday 2 January"), end)
		}
	}
	if rep.State == Sending && rep.Last != nil && rep.Last.After(rep.At) {
		say("The last mail is due at %s.", rep.Last.In(n.Recipe.Zone).Format("15:04 on Monday 2 January"))
	}
	if rep.Audience > 0 {
		say("\n%6d sent\n%6d put off, they come again\n%6d failed\n%6d in doubt\n%6d skipped\n%6d pending\n%6d = audience",
			rep.Sent, rep.Deferred, rep.Failed, rep.InDoubt, rep.Skipped, rep.Pending, rep.Audience)
	}
	if len(rep.Reasons) > 0 {
		say("\nReasons:")
		for i, reason := range rep.Reasons {
			if i == 8 {
				say("  and %d more", len(rep.Reasons)-i)
				break
			}
			say("  %d %s: %s", reason.Count, reason.State, reason.Why)
		}
	}
	for _, s := range rep.Sources {
		if s.Error != "" {
			say("\nSource %q failed: %s", s.ID, s.Error)
		}
	}
	switch rep.State {
	case Paused:
		if strings.HasPrefix(rep.Why, heldForChoice) {
			say("\nTo end it: lede editions cancel %s", rep.Edition)
			break
		}
		say("\nTo go on:  lede editions resume %s\nTo end it: lede editions cancel %s", rep.Edition, rep.Edition)
	case Waiting:
		say("\nTo send it: lede editions approve %s\nTo end it:  lede editions cancel %s", rep.Edition, rep.Edition)
	case Failed:
		say("\nNothing was sent. Put right what is said above, then: lede send %s", n.ID)
	case Sending, Done:
		say("\nAll about it: lede editions report %s", rep.Edition)
	}
	return subject, b.String()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
