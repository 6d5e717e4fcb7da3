package compose

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// linker sets the newsletter's parameters on links to its own hosts. That is
// done as the letter is set, long after links were compared: an edition's own
// addresses stay as the sources gave them.
type linker struct {
	hosts  []string
	pages  string // where our own pages are: unsubscribing, preferences, editions
	params []LinkParam
}

// ParamWords are the words that a link parameter's value may hold.
func ParamWords() []string { return []string{"newsletter", "date"} }

// newLinker fills in the parameters' values. One whose value can't be filled in
// is left out: the configuration was checked before.
func newLinker(r Recipe, e Edition) linker {
	l := linker{hosts: r.OwnHosts, pages: strings.TrimRight(r.BaseURL, "/") + "/"}
	slot := inZone(e.Slot, r.Zone)
	words := map[string]string{"newsletter": r.ID, "date": slot.Format("2006-01-02")}
	for _, p := range r.LinkParams {
		if value, err := Expand(p.Value, words, nil); err == nil {
			l.params = append(l.params, LinkParam{Name: p.Name, Value: value})
		}
	}
	return l
}

// own says that an address leads to a host of ours, and not to a page of ours
// that knows the reader.
func (l linker) own(u *url.URL, address string) bool {
	if u.Scheme != "http" && u.Scheme != "https" || isPage(address, l.pages) {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return slices.ContainsFunc(l.hosts, func(own string) bool { return host == own || strings.HasSuffix(host, "."+own) })
}

// isPage says that an address is one of the pages under base that mails link
// to: all of them have a path of one letter (/u/…, /e/…, /p/…).
func isPage(address, base string) bool {
	path, under := strings.CutPrefix(address, base)
	return under && len(base) > 1 && len(path) > 1 && path[1] == '/'
}

// on returns an address with the parameters that it does not have yet. What it
// has stays as it is, byte for byte, and so does its fragment.
func (l linker) on(address string) string {
	if len(l.params) == 0 || address == "" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || !l.own(u, address) {
		return address
	}
	rest, fragment, hasFragment := strings.Cut(address, "#")
	known := u.Query()
	var added []string
	for _, p := range l.params {
		if !known.Has(p.Name) {
			added = append(added, url.QueryEscape(p.Name)+"="+url.QueryEscape(p.Value))
		}
	}
	if len(added) == 0 {
		return address
	}
	switch {
	case !strings.Contains(rest, "?"):
		rest += "?"
	case !strings.HasSuffix(rest, "?") && !strings.HasSuffix(rest, "&"):
		rest += "&"
	}
	rest += strings.Join(added, "&")
	if hasFragment {
		rest += "#" + fragment
	}
	return rest
}

// inBlock sets the parameters on the links in a block, in its HTML as in its
// text.
func (l linker) inBlock(b Block) Block {
	if len(l.params) == 0 || !strings.Contains(b.HTML, "<a href=") {
		return b
	}
	var out strings.Builder
	changed := false
	var bare [][2]string // addresses without parameters and with them
	z := html.NewTokenizerFragment(strings.NewReader(b.HTML), "p")
	for {
		if z.Next() == html.ErrorToken {
			break
		}
		raw := string(z.Raw())
		token := z.Token()
		if token.Type == html.StartTagToken && token.Data == "a" {
			address := href(token)
			if with := l.on(address); with != address {
				changed = true
				bare = append(bare, [2]string{address, with})
				raw = `<a href="` + html.EscapeString(with) + `">`
				b.Text = strings.ReplaceAll(b.Text, "<"+address+">", "<"+with+">")
			}
		}
		out.WriteString(raw)
	}
	if !changed {
		return b
	}
	b.HTML = out.String()
	if again := blocks(b.HTML); b.Kind != blockPre && len(again) == 1 {
		b.Text = again[0].Text
	}
	for _, twice := range bare { // words that are the address alone stand for it in the text part
		b.Text = strings.ReplaceAll(b.Text, twice[0]+" <"+twice[1]+">", twice[1])
	}
	return b
}
