package web

import (
	"strings"
	"testing"

	"github.com/clipperhouse/displaywidth"

	"lede/compose"
)

func TestInboxCuts(t *testing.T) {
	const preheader = "The Averne Maid left the north quay at 05:40 with 61 people, four vans and the post for eleven days."
	v := inboxOf(Proof{Subject: "Ferry to Skerrow sails again after eleven days", Edition: compose.Edition{Preheader: preheader}})
	for _, c := range []struct{ what, got, want string }{
		{"Gmail", v.Gmail.Preheader + "|" + v.Gmail.Cut, "The Averne Maid left the north quay at 05:40 with …|preheader cut at 50"},
		{"Outlook", v.Outlook.Subject + "|" + v.Outlook.Cut, "Ferry to Skerrow sails again after e…|subject cut at 36"},
		{"Outlook's preheader", v.Outlook.Preheader, "The Averne Maid left the north quay at …"},
		{"phone", v.Phone.Subject + "|" + v.Phone.Cut, "Ferry to Skerrow sails again after eleven…|subject cut at 41"},
		{"phone's lines", v.Phone.Preheader + "|" + v.SecondRow, "The Averne Maid left the north quay at|05:40 with 61 people, four vans and the p…"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	v = inboxOf(Proof{Subject: "Short", Edition: compose.Edition{Preheader: "And sweet."}})
	if v.Gmail.Cut != whole || v.Outlook.Cut != whole || v.Phone.Cut != whole || v.Gmail.Preheader != "And sweet." || v.SecondRow != "" {
		t.Errorf("a short one is cut: %+v", v)
	}
	v = inboxOf(Proof{Subject: strings.Repeat("a", 120)})
	if v.Gmail.Cut != "subject cut at 100" || v.Gmail.Preheader != "" {
		t.Errorf("a subject that fills the line: %+v", v.Gmail)
	}
}

func TestWideCharacters(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "港の朝": 6, "e\u0301": 1, "👩‍🚀": 2, "🇵🇹": 2, "ﾊ": 1, "Ａ": 2, "é": 1,
	} {
		if got := displaywidth.String(text); got != want {
			t.Errorf("%q is %d columns wide, want %d", text, got, want)
		}
	}
	if got, cut := cutAt("港の朝の船", 5); got != "港の…" || !cut {
		t.Errorf("wide text cut to %q", got)
	}
	if got, _ := cutAt("ae\u0301e\u0301", 2); got != "ae\u0301…" {
		t.Errorf("a combined character is cut apart: %q", got)
	}
}
