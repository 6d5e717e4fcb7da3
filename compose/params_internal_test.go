package compose

import (
	"strings"
	"testing"
	"time"
)

func TestLinkParams(t *testing.T) {
	l := newLinker(Recipe{
		ID: "harbour", BaseURL: "https://news.harbour.example", OwnHosts: []string{"harbour.example"},
		LinkParams: []LinkParam{{"utm_source", "{newsletter}"}, {"utm_campaign", "{date} & more"}},
	}, Edition{Slot: time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)})
	const both = "utm_source=harbour&utm_campaign=2026-11-24+%26+more"
	for _, test := range []struct{ name, address, want string }{
		{"none yet", "https://harbour.example/a", "https://harbour.example/a?" + both},
		{"a bare host", "https://harbour.example", "https://harbour.example?" + both},
		{"a host within, in capitals", "https://WWW.Harbour.Example/a", "https://WWW.Harbour.Example/a?" + both},
		{"a port", "http://harbour.example:8080/a", "http://harbour.example:8080/a?" + both},
		{"others stay as they are", "https://harbour.example/a?b=%20c&d", "https://harbour.example/a?b=%20c&d&" + both},
		{"an empty query", "https://harbour.example/a?", "https://harbour.example/a?" + both},
		{"an open query", "https://harbour.example/a?b=c&", "https://harbour.example/a?b=c&" + both},
		{"a fragment stays", "https://harbour.example/a#b?c", "https://harbour.example/a?" + both + "#b?c"},
		{"an empty fragment stays", "https://harbour.example/a#", "https://harbour.example/a?" + both + "#"},
		{"one is there", "https://harbour.example/a?utm_source=x", "https://harbour.example/a?utm_source=x&utm_campaign=2026-11-24+%26+more"},
		{"all are there", "https://harbour.example/a?utm_campaign=&utm_source=#f", "https://harbour.example/a?utm_campaign=&utm_source=#f"},
		{"another host", "https://courier.example/a", "https://courier.example/a"},
		{"a host that ends alike", "https://notharbour.example/a", "https://notharbour.example/a"},
		{"a host before ours", "https://harbour.example.evil.example/", "https://harbour.example.evil.example/"},
		{"a login that looks like ours", "https://harbour.example@evil.example/", "https://harbour.example@evil.example/"},
		{"unsubscribing", "https://news.harbour.example/u/token", "https://news.harbour.example/u/token"},
		{"reading in a browser", "https://news.harbour.example/e/id", "https://news.harbour.example/e/id"},
		{"a story beside our pages", "https://news.harbour.example/stories/1", "https://news.harbour.example/stories/1?" + both},
		{"no web", "mailto:desk@harbour.example", "mailto:desk@harbour.example"},
		{"no address", "https://harbour.example/%zz", "https://harbour.example/%zz"},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := l.on(test.address)
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if again := l.on(got); again != got {
				t.Errorf("twice: %s", again)
			}
		})
	}
}

// TestLinkParamsInText: the text part has every address of the HTML.
func TestLinkParamsInText(t *testing.T) {
	l := linker{hosts: []string{"harbour.example"}, pages: "/", params: []LinkParam{{"s", "1&2"}}}
	body := `<p>The <a href="https://harbour.example/?a=1&amp;b=2#c">chart &amp; table</a>, <a href="https://harbour.example/x">https://harbour.example/x</a>, ` +
		`<a href="https://harbour.example/x/y">harbour.example/x/y</a> and <a href="https://courier.example/">a paper</a>.</p><pre>  a <a href="https://harbour.example/pre">b</a></pre>`
	want := []string{
		"The chart & table <https://harbour.example/?a=1&b=2&s=1%262#c>, https://harbour.example/x?s=1%262, " +
			"harbour.example/x/y <https://harbour.example/x/y?s=1%262> and a paper <https://courier.example/>.",
		"a b <https://harbour.example/pre?s=1%262>",
	}
	for i, p := range blocks(body) {
		got := l.inBlock(p.Block)
		if strings.TrimSpace(got.Text) != want[i] {
			t.Errorf("got  %s\nwant %s", got.Text, want[i])
		}
		if !strings.Contains(got.HTML, "s=1%262") {
			t.Errorf("the HTML: %s", got.HTML)
		}
		if again := l.inBlock(got); again != got {
			t.Errorf("twice: %+v", again)
		}
	}
}

func TestAgo(t *testing.T) {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	var daily, monthly []time.Time
	for i := range 800 {
		daily = append(daily, slot.AddDate(0, 0, -1-i))
	}
	for i := range 30 {
		monthly = append(monthly, slot.AddDate(0, -1-i, 0))
	}
	for _, test := range []struct {
		ago   string
		slots []time.Time
		want  string
	}{
		{"1y", daily, "2025-11-24"},
		{"1y", monthly, "2025-11-24"},
		{"6m", daily, "2026-05-24"},
		{"2w", daily, "2026-11-10"},
		{"10d", daily, "2026-11-14"},
		{"5y", daily, ""},
		{"1y", daily[:300], ""},
		{"1y", daily[:355], "2025-12-04"},
		{"1w", daily[:3], ""},
		{"1y", nil, ""},
	} {
		var ago Ago
		if err := ago.UnmarshalText([]byte(test.ago)); err != nil {
			t.Fatal(err)
		}
		got := ""
		if i := ago.Nearest(slot, test.slots); i >= 0 {
			got = test.slots[i].Format(time.DateOnly)
		}
		if got != test.want || ago.String() != test.ago {
			t.Errorf("%s (%s): got %q, want %q", test.ago, ago, got, test.want)
		}
	}
	if got := (Ago{}).Before(slot); got != slot.AddDate(-1, 0, 0) || (Ago{}).String() != "1y" {
		t.Errorf("the zero Ago: %v", got)
	}
	for _, bad := range []string{"", "y", "1", "0y", "-1y", "1.5y", "11y", "1y2m", "yy", "1h", "99999999999999999999d", "٣y"} {
		if err := new(Ago).UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "1y, 6m, 2w or 10d") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
