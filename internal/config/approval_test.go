package config

import (
	"strings"
	"testing"
	"time"
)

const timed = small + "    schedule: \"30 6 * * *\"\n"

// TestApproval: what the settings of proofs and approval are read as, which of
// them contradict each other, and which are of no use.
func TestApproval(t *testing.T) {
	tests := []struct {
		name, more string
		base       string // timed when empty
		want       string // in the complaint; empty: it is right
		warns      string
	}{
		{name: "none", more: ""},
		{name: "all", more: "approval: required\napproval_deadline: 1h\nat_deadline: skip\nproof: {to: [ines@example.org], before: 30m}\nchanged: hold"},
		{name: "an approval without a deadline", more: "approval: required"},
		{name: "a proof at the slot", more: "proof: {to: [ines@example.org]}"},
		{name: "changed: hold with a proof ahead", more: "proof: {to: [ines@example.org], before: 30m}\nchanged: hold"},
		{name: "changed: hold with an approval", more: "approval: required\nchanged: hold"},
		{name: "changed: hold of nothing that waits", more: "changed: hold", warns: "changed: hold is for editions that wait"},
		{name: "changed: something else", more: "changed: drop", want: `lede.yaml:14: newsletters[0].changed: "drop" is not send or hold`},
		{name: "approval: maybe", more: "approval: maybe", want: `newsletters[0].approval: "maybe" is not none or required`},
		{name: "at_deadline: wait", more: "approval: required\napproval_deadline: 1h\nat_deadline: wait", want: `newsletters[0].at_deadline: "wait" is not send, skip or remind`},
		{name: "a deadline of no approval", more: "approval_deadline: 1h", want: "newsletters[0].approval_deadline: this is for approval: required"},
		{name: "a deadline of more than a day", more: "approval: required\napproval_deadline: 25h", want: "newsletters[0].approval_deadline: 25h is more than 24h"},
		{name: "a deadline after the edition is stale", more: "approval: required\napproval_deadline: 6h\nstale_after: 6h", want: "6h is no less than stale_after (6h): the edition is paused before"},
		{name: "a deadline before the edition is stale", more: "approval: required\napproval_deadline: 5h\nstale_after: 6h"},
		{name: "a deadline before its slot", more: "approval: required\napproval_deadline: -1h", want: "newsletters[0].approval_deadline: "},
		{name: "send at no deadline", more: "approval: required\nat_deadline: send", want: "newsletters[0].at_deadline: approval_deadline is missing: there is no deadline at which to send"},
		{name: "skip at no deadline", more: "approval: required\nat_deadline: skip", want: "there is no deadline at which to skip"},
		{name: "remind at no deadline is the default", more: "approval: required\nat_deadline: remind"},
		{name: "a proof for nobody", more: "proof: {before: 30m}", want: "newsletters[0].proof.before: nobody gets the proof: proof.to is missing"},
		{name: "a proof more than a day ahead", more: "proof: {to: [ines@example.org], before: 25h}", want: "newsletters[0].proof.before: 25h is more than 24h"},
		{name: "a proof after the slot", more: "proof: {to: [ines@example.org], before: -5m}", want: "newsletters[0].proof.before: "},
		{name: "a proof to a name", more: "proof: {to: [Ines <ines@example.org>]}", want: `newsletters[0].proof.to[0]: "Ines <ines@example.org>" is no address`},
		{name: "a proof to the second that is none", more: "proof: {to: [ines@example.org, desk]}", want: `newsletters[0].proof.to[1]: "desk" is no address`},
		{name: "a setting of proofs that there is not", more: "proof: {too: [ines@example.org]}", want: `did you mean "to"?`},
		{name: "a proof ahead of no slot", base: small, more: "proof: {to: [ines@example.org], before: 30m}", warns: "proof.before holds for slots, and there is no schedule"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.base
			if text == "" {
				text = timed
			}
			for line := range strings.SplitSeq(tt.more, "\n") {
				text += "    " + line + "\n"
			}
			cfg, err := Load(write(t, text), nil)
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want == "":
				if said := strings.Join(cfg.Warnings, "\n"); !strings.Contains(said, tt.warns) || tt.warns == "" && said != "" {
					t.Errorf("warns %q, want %q", said, tt.warns)
				}
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	n := load(t, timed+"    approval: required\n    approval_deadline: 90m\n    at_deadline: skip\n    proof: {to: [ines@example.org, desk@example.org], before: 30m}\n    changed: hold\n").Newsletters[0]
	if n.Approval != "required" || n.ApprovalDeadline != Duration(90*time.Minute) || n.AtDeadline != "skip" || n.Changed != "hold" ||
		n.Proof.Before != Duration(30*time.Minute) || len(n.Proof.To) != 2 {
		t.Errorf("%+v", n)
	}
}

// TestLead: what the settings of the lead are read as, and which contradict
// each other.
func TestLead(t *testing.T) {
	lead := load(t, small+"    lead: {from: [desk], tags: [Harbour, council], category: Council, author: Marit Sele, lang: pt, min_words: 50, max_words: 900, max_age: 1d, if_none: without}\n").Newsletters[0].Lead
	if lead.Category != "Council" || lead.Author != "Marit Sele" || lead.Lang != "pt" || lead.MinWords != 50 || lead.MaxWords != 900 ||
		lead.MaxAge != Duration(24*time.Hour) || strings.Join(lead.Tags, " ") != "Harbour council" || lead.IfNone != "without" || lead.Length != 700 {
		t.Errorf("%+v", lead)
	}
	for _, tt := range []struct{ name, lead, want string }{
		{"fewer words at most than at least", "{min_words: 200, max_words: 100}", "newsletters[0].lead.max_words: 100 is less than min_words (200)"},
		{"fewer than the default at least", "{max_words: 50}", "newsletters[0].lead.max_words: 50 is less than min_words (80)"},
		{"cut before it is long enough", "{length: 60}", "length (60 words) is shorter than min_words (80)"},
		{"a source that there is not", "{from: [dsk]}", `there is no source "dsk": did you mean "desk"?`},
		{"a language that there is not", "{lang: portuguese}", "newsletters[0].lead.lang: "},
		{"an order, which is a section's", "{order: newest}", "order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(write(t, small+"    lead: "+tt.lead+"\n"), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
