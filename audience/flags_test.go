package audience

import (
	"fmt"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	tests := []struct{ address, want string }{
		{"ona@gmail.com", ""},
		{"ona@gmial.com", "mistyped gmail.com"},
		{"ona@gmail.co", "mistyped gmail.com"},
		{"ona@gmai.com", "mistyped gmail.com"},
		{"ona@hotmial.com", "mistyped hotmail.com"},
		{"ona@yaho.com", "mistyped yahoo.com"},
		{"ona@outlok.com", "mistyped outlook.com"},
		{"ona@mail.com", ""},
		{"ona@gmx.at", ""},
		{"ona@news.example", ""},
		{"info@news.example", "role"},
		{"INFO@news.example", "role"},
		{"information@news.example", ""},
		{"x@mailinator.com", "disposable"},
		{"x@eu.mailinator.com", "disposable"},
		{"x@notmailinator.com", ""},
	}
	s := slips{}
	for _, tt := range tests {
		for range 2 { // remembered too
			address, key, domain, err := ParseAddress(tt.address)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range s.flags(&Row{Address: address, Key: key, Domain: domain}) {
				got = append(got, strings.TrimSpace(f.Kind+" "+strings.TrimPrefix(f.Text[max(0, strings.LastIndex(f.Text, " ")):], " ")))
			}
			kind, _, _ := strings.Cut(tt.want, " ")
			if text := fmt.Sprint(got); kind == "" && len(got) > 0 || !strings.Contains(text, kind) || strings.Contains(tt.want, " ") && !strings.Contains(text, tt.want) {
				t.Errorf("%s: %v, want %s", tt.address, got, tt.want)
			}
		}
	}
}

// Flagged addresses are taken.
func TestFlaggedAreTaken(t *testing.T) {
	var survey Survey
	k, res, _, err := importText(t, "email\ninfo@news.example\nona@gmial.com\n", ImportOptions{Survey: &survey})
	if err != nil || res.New != 2 || len(k.rows) != 2 || survey.Flags[FlagRole] != 1 || survey.Flags[FlagMistyped] != 1 || len(survey.Flagged) != 2 {
		t.Errorf("%+v %+v %v", res, survey, err)
	}
}
