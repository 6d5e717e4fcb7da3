package audience

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDefuse: no cell begins as a formula, wherever a spreadsheet parts it, and
// an import reads the text back as it was.
func TestDefuse(t *testing.T) {
	pieces := []string{"=", "+", "-", "@", "'", " ", ";", "＝", "＋", "a", "1", "\t", "\r", "\n", "é"}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 10).Draw(t, "text"), "")
		safe := defuse(s)
		for part := range strings.SplitSeq(safe, ";") {
			if opens(part) {
				t.Errorf("%q becomes %q, in which %q opens", s, safe, part)
			}
		}
		if got := undefuse(safe); got != s {
			t.Errorf("%q becomes %q, read as %q", s, safe, got)
		}
		if got := undefuse(guard(s)); got != s {
			t.Errorf("%q is guarded as %q, read as %q", s, guard(s), got)
		}
	})
}

// TestUndefuseOfOthers: what other programs write.
func TestUndefuseOfOthers(t *testing.T) {
	for in, want := range map[string]string{
		"'=1": "=1", "' =1": "=1", "'+351 1": "+351 1", "'tis": "'tis", "O'Malley": "O'Malley", "'": "'", "''": "''", "' ": "' ", "a;b": "a;b", "'n=1;'n": "'n=1;'n",
	} {
		if got := undefuse(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// people is an Exporter of made-up people.
type people []Leaver

func (p people) ExportPeople(_ context.Context, _ ExportQuery, _ time.Time, f func(EachLeaver) error) error {
	return f(func(yield func(*Leaver) error) error {
		for i := range p {
			if err := yield(&p[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestNoCellOfAnyFormatIsAFormula writes hostile people in every format that is
// CSV, and looks at each cell.
func TestNoCellOfAnyFormatIsAFormula(t *testing.T) {
	bad := []string{"=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "x;=1", "x\n=1", "\x00=1", `x";=1;"`, "'=1", "＝1", "\u202e=1"}
	for _, format := range ExportFormats() {
		if format == "jsonl" {
			continue
		}
		var who people
		for i, b := range bad {
			who = append(who, Leaver{
				Subscriber: Subscriber{ID: int64(i + 1), Address: "=" + string(rune('a'+i)) + "@averne.example", Name: b, Attributes: map[string]string{"town": b, b: "key", "status": b}, Tags: []string{b, "two"}},
				List:       "harbour", State: Active, Consent: b, Why: b, IP: b, Agreed: b, OptedOut: nil,
			})
		}
		var out bytes.Buffer
		done, err := Export(t.Context(), &out, ExportOptions{ExportQuery: ExportQuery{List: "harbour"}, Store: who, Format: format, States: []string{"active"}})
		if err != nil || done.Rows != len(bad) {
			t.Fatalf("%s: %+v, %v", format, done, err)
		}
		if strings.ContainsAny(out.String(), "\x00\t") {
			t.Errorf("%s: control characters in %q", format, out.String())
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		for _, row := range rows {
			for _, cell := range row {
				for part := range strings.SplitSeq(cell, ";") {
					if opens(part) {
						t.Errorf("%s: %q opens", format, cell)
					}
				}
			}
		}
	}
}

// TestFormatsComeBack: the files of every service, read by our import, have
// every state, and nobody in a state that gets more mail.
func TestFormatsComeBack(t *testing.T) {
	who := people{
		{Subscriber: Subscriber{ID: 1, Address: "active@averne.example", Name: "Ona Brann", Tags: []string{"tides", "a, b"}, Attributes: map[string]string{"confirmed": "no", "city": "Port Averne"}}, State: Active},
		{Subscriber: Subscriber{ID: 2, Address: "pending@averne.example"}, State: Pending},
		{Subscriber: Subscriber{ID: 3, Address: "gone@averne.example"}, State: Unsubscribed},
		{Subscriber: Subscriber{ID: 4, Address: "bounced@averne.example"}, State: Active, Suppressed: "unknown-user"},
		{Subscriber: Subscriber{ID: 5, Address: "complained@averne.example"}, State: Active, Suppressed: "complaint"},
		{Subscriber: Subscriber{ID: 6, Address: "byhand@averne.example"}, State: Active, Suppressed: "by-hand"},
		{Subscriber: Subscriber{ID: 7, Address: "left@averne.example"}, State: Active, OptedOut: []string{"letter"}},
		{Subscriber: Subscriber{Address: "stranger@averne.example"}, Suppressed: "bounce"},
	}
	want := map[string]string{ // of who is not active, in their order: p, u, b (bounced), c (complained), - (left out)
		"csv": "pubcuub", "lede": "pubcuub", "jsonl": "pubcuub",
		"mailchimp": "-ubuuub", "listmonk": "-uuuuuu", "ghost": "-uuuuuu", "substack": "-uuuuuu", "buttondown": "pubcuub", "beehiiv": "puuuuuu", "mailerlite": "pubcuub", "keila": "-ubuuub",
	}
	for _, format := range ExportFormats() {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			done, err := Export(t.Context(), &out, ExportOptions{ExportQuery: ExportQuery{List: "harbour"}, Store: who, Format: format})
			if err != nil {
				t.Fatal(err)
			}
			if missing := strings.Count(want[format], "-"); done.Missing() != missing || done.Rows != len(who)-missing {
				t.Errorf("%+v, want %d left out", done, missing)
			}
			got := readBack(t, out.Bytes(), format)
			first := got["active@averne.example"]
			if first.State != Active || first.Suppress != "" {
				t.Errorf("active: %+v", first)
			}
			for i, w := range want[format] {
				address := who[i+1].Address
				row, there := got[address]
				mark := '-'
				switch {
				case !there:
				case row.Suppress == ReasonComplaint:
					mark = 'c'
				case row.Suppress == ReasonBounce || row.Suppress == reasonUnknownUser:
					mark = 'b'
				case row.State == Unsubscribed || row.Suppress != "":
					mark = 'u'
				case row.State == Pending:
					mark = 'p'
				default:
					mark = 'a'
				}
				if mark != w {
					t.Errorf("%s is %c, want %c: %+v", address, mark, w, row)
				}
			}
			f := exportFormatNamed(format)
			if !f.noNames && first.Name != "Ona Brann" || !f.noTags && !slices.Contains(first.Tags, "tides") {
				t.Errorf("name and tags: %+v", first)
			}
			if f.attributes != nowhere && first.Attributes["city"] != "Port Averne" {
				t.Errorf("attributes: %+v", first.Attributes)
			}
		})
	}
}

// readBack imports an export, and returns the strongest row of each address.
func readBack(t *testing.T, file []byte, format string) map[string]Row {
	t.Helper()
	path := t.TempDir() + "/harbour"
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := OpenFile(path, "harbour")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	got := collected{}
	survey := new(Survey)
	_, err = ImportFiles(t.Context(), in.Parts, ImportOptions{List: "harbour", Store: got, Survey: survey, OnReject: func(x Reject) { t.Errorf("%s:%d: %s", x.File, x.Line, x.Reason) }})
	if err != nil {
		t.Fatal(err)
	}
	whose, _, _ := strings.Cut(survey.Files[0].Format, ",")
	if f := exportFormatNamed(format); f.words == nil && whose != "Lede" || f.words != nil && whose != f.title {
		t.Errorf("recognised as %s", survey.Files[0].Format)
	}
	return got
}

type collected map[string]Row

func (c collected) ImportChunk(_ context.Context, _ Intake, rows []Row, _ time.Time) (Result, error) {
	for _, row := range rows {
		c[row.Address] = row
	}
	return Result{New: len(rows)}, nil
}

func (collected) ImportErased(context.Context, Intake, []Erased, time.Time) (int, error) {
	return 0, nil
}
