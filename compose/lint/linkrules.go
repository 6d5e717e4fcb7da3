package lint

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// mostLinks is how many findings one rule makes of links; more say the same.
const mostLinks = 10

// links judges where links lead.
func links(in letter) []Finding {
	l := linkRules{in: in, said: map[string]int{}, told: map[string]bool{}}
	for _, a := range in.page.links {
		l.one(a)
	}
	return l.out
}

type linkRules struct {
	in   letter
	said map[string]int // by rule
	told map[string]bool
	out  []Finding
}

func (l *linkRules) say(rule string, a address, message, remedy string) {
	if l.said[rule]++; l.said[rule] > mostLinks || l.told[rule+"\x00"+a.href+"\x00"+message] {
		return
	}
	l.told[rule+"\x00"+a.href+"\x00"+message] = true
	place := "Link “" + cut(a.text, 60) + "”"
	if l.in.mail != nil {
		place = l.in.page.place(a.element) + " “" + cut(a.text, 60) + "”"
	}
	l.out = append(l.out, Finding{Rule: rule, Place: place, Clients: "all", Message: message, Remedy: remedy})
}

func (l *linkRules) one(a address) {
	href := strings.TrimSpace(a.href)
	scheme, _, _ := strings.Cut(strings.ToLower(href), ":")
	switch {
	case href == "" || href == "#" || scheme == "javascript" || scheme == "vbscript" || scheme == "data" || strings.HasPrefix(href, "#") && !l.anchor(href[1:]):
		l.say("dead-link", a, fmt.Sprintf("The link leads nowhere (%q).", cut(href, 80)), "Write it only where there is an address: {{if .URL}}…{{end}} in the theme.")
		return
	case strings.HasPrefix(href, "#"), scheme == "mailto", scheme == "tel", scheme == "sms", scheme == "webcal":
		return
	case l.field(href), l.in.mail == nil && tokenForm.MatchString(href): // fieldsLeft judges tokens
		return
	case scheme != "http" && scheme != "https":
		l.say("link-scheme", a, fmt.Sprintf("%q is no whole address: in a mail there is no site that it could belong to.", cut(href, 80)), "Write it with https:// and its host.")
		return
	}
	u, err := url.Parse(href)
	if err != nil || u.Host == "" {
		l.say("dead-link", a, fmt.Sprintf("%q can't be read as an address.", cut(href, 80)), "Write it with https:// and its host; encode what is no part of an address (%20).")
		return
	}
	if scheme == "http" && (l.in.recipe.BaseURL == "" || !strings.HasPrefix(href, strings.TrimRight(l.in.recipe.BaseURL, "/")+"/")) {
		l.say("http-link", a, cut(href, 120)+" is not encrypted; some mail programs warn before they open it.", "Use the https address if the site has one.")
	}
	l.host(a, u)
}

// anchor says whether a place of that name is in the letter.
func (l *linkRules) anchor(name string) bool {
	return slices.ContainsFunc(l.in.page.elements, func(e element) bool {
		return e.value("id") == name || e.tag == "a" && e.value("name") == name
	})
}

// field says whether an address is one that each reader gets for himself.
func (l *linkRules) field(href string) bool {
	return known(l.in.letter.Fields, href)
}

// shorteners hide where a link leads, so that filters judge all their links by
// the worst.
var shorteners = []string{"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "shorturl.at", "t.ly", "lnkd.in", "rb.gy", "tiny.cc", "v.gd", "s.id", "dub.sh"}

// host judges the host of an address: what it looks like, and what the link's
// text says of it.
func (l *linkRules) host(a address, u *url.URL) {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if _, err := netip.ParseAddr(host); err == nil && !isLoopback(host) {
		l.say("link-address", a, fmt.Sprintf("The link leads to a bare IP address (%s), as those of thieves do.", host), "Use a name.")
	}
	if u.User != nil {
		l.say("link-address", a, "The link has a name or password before its host (@), which programs refuse or hide.", "Take it out.")
	}
	if slices.Contains(shorteners, host) {
		l.say("link-shortened", a, fmt.Sprintf("%s hides where the link leads; spam filters judge all its links by the worst.", host), "Write the address itself.")
	}
	if shown, why := lookalike(host); why != "" {
		l.say("link-lookalike", a, fmt.Sprintf("The host %s (%s) %s: it looks like another.", shown, host, why), "See that it is the site that is meant.")
	}
	if shown := shownHost(a.text); shown != "" && !sameSite(shown, host) {
		l.say("link-mismatch", a, fmt.Sprintf("The text shows %s and the link leads to %s, as in mail of thieves: programs warn, filters count it.", shown, host), "Let the text say what the page is, or show the host that it leads to.")
	}
	if strings.ContainsFunc(a.text, func(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b }) {
		l.say("link-lookalike", a, "The link's text holds characters that nobody sees, or that turn it around.", "Take them out.")
	}
}

// shownHost is the host that a link's text shows, when the text is an address
// and nothing else.
func shownHost(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" || strings.ContainsAny(text, " \t\n@") || len(text) > 500 {
		return ""
	}
	whole := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
	if !whole {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || !strings.Contains(ascii, ".") {
		return ""
	}
	if suffix, known := publicsuffix.PublicSuffix(ascii); !whole && (!known || suffix == ascii) {
		return "" // "Read more…" or "3.5" is no address
	}
	return host
}

// sameSite says whether two hosts belong to one registered name.
func sameSite(a, b string) bool {
	site := func(host string) string {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
		if s, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
			return s
		}
		return host
	}
	return site(a) == site(b)
}

// latinTwins are letters of other scripts that are drawn as Latin ones.
const latinTwins = "асеорхуіјѕһԁԛԝӏԍьгпкмтвн" + "αονρτυικχγηω" + "օսհոցզյո"

// lookalike says whether a host is made to look like another: letters of several
// scripts in one label, or a label of another script all of whose letters have a
// Latin twin. shown is the host as programs may show it.
func lookalike(host string) (shown, why string) {
	shown, err := idna.Punycode.ToUnicode(host)
	if err != nil {
		shown = host
	}
	for label := range strings.SplitSeq(shown, ".") {
		latin, other, twins := false, "", true
		for _, r := range label {
			script := scriptOf(r)
			switch script {
			case "":
			case "Latin":
				latin = true
			default:
				if other != "" && other != script && !eastAsian(other, script) {
					return shown, "mixes letters of several scripts"
				}
				other = script
				twins = twins && strings.ContainsRune(latinTwins, unicode.ToLower(r))
			}
		}
		switch {
		case latin && other != "" && !eastAsian(other, "Latin"):
			return shown, "mixes Latin letters with " + other + " ones"
		case other != "" && twins && (other == "Cyrillic" || other == "Greek" || other == "Armenian"):
			return shown, "is written in " + other + " letters that look Latin"
		}
	}
	return shown, ""
}

// eastAsian says whether two scripts stand together in ordinary names, as in
// Japanese.
func eastAsian(a, b string) bool {
	these := []string{"Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Latin"}
	return slices.Contains(these, a) && slices.Contains(these, b)
}

var scripts = []string{"Latin", "Cyrillic", "Greek", "Armenian", "Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Arabic", "Hebrew", "Devanagari", "Thai", "Georgian", "Cherokee", "Bengali", "Tamil"}

func scriptOf(r rune) string {
	for _, name := range scripts {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	if unicode.IsLetter(r) {
		return "another script"
	}
	return ""
}

// emptyTexts say nothing of where a link leads, in the languages of the fixed
// words.
var emptyTexts = []string{
	"click here", "here", "link", "this link", "click", "click this link", "this page", "more", "read more", "learn more", "tap here",
	"hier", "hier klicken", "klicken sie hier", "mehr", "weiterlesen", "mehr lesen", "cliquez ici", "ici", "lire la suite", "en savoir plus",
	"aquí", "haz clic aquí", "haga clic aquí", "leer más", "clique aqui", "aqui", "leia mais", "saiba mais", "qui", "clicca qui", "leggi tutto",
	"hier klikken", "klik hier", "lees meer", "kliknij tutaj", "tutaj", "czytaj więcej", "buraya tıklayın", "devamı", "اضغط هنا", "هنا",
	"לחצו כאן", "כאן", "यहाँ क्लिक करें", "こちら", "ここをクリック", "点击这里", "點擊這裡",
}

// linkTexts judges what links say.
func linkTexts(in letter) []Finding {
	var out []Finding
	empty, vague := 0, 0
	for _, a := range in.page.links {
		if a.element < 0 || in.page.elements[a.element].hidden {
			continue
		}
		label, labelled := in.page.elements[a.element].attribute("aria-label")
		text := strings.ToLower(strings.Trim(strings.Join(strings.Fields(a.text), " "), " .…!→»›>[]()"))
		f := Finding{Rule: "link-text", Place: in.page.place(a.element), Clients: "screen readers, all"}
		switch {
		case !wordy(text) && !wordy(label):
			if empty++; empty > 1 {
				continue
			}
			f.Severity = Warning
			f.Message = fmt.Sprintf("The link to %s has no text: nobody hears where it leads.", cut(a.href, 60))
			f.Remedy = "Write text into the link, or alt on the picture in it."
		case !labelled && slices.Contains(emptyTexts, text):
			if vague++; vague > 3 {
				continue
			}
			f.Message = fmt.Sprintf("“%s” does not say where the link leads; screen readers list links without what stands around.", cut(a.text, 40))
			f.Remedy = "Link the words that name the page: “Tonight's tides”, not “click here”."
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// visits tells what came of following links and pictures.
func visits(in letter) []Finding {
	var out []Finding
	told := map[string]bool{}
	add := func(i int, address string, picture bool) {
		v, asked := in.facts.Links[address]
		if !asked || told[address] {
			return
		}
		told[address] = true
		f := Finding{Rule: "link-broken", Place: in.page.place(i), Clients: "all", Remedy: "Mend the address, or take it out."}
		shown := cut(address, 100)
		switch {
		case v.Inside:
			f.Severity = Warning
			f.Message = shown + " is a private address, which readers can't reach; it was not asked."
		case v.Err != "":
			f.Severity = Warning
			f.Message = shown + " gives no answer: " + cut(v.Err, 160) + "."
		case v.Status == 404 || v.Status == 410:
			f.Message = fmt.Sprintf("%s is not there (%d).", shown, v.Status)
		case v.Status == 401 || v.Status == 403 || v.Status == 405 || v.Status == 429 || v.Status == 999:
			f.Rule, f.Message = "link-unsure", fmt.Sprintf("%s answers %d to a program; a browser may see it.", shown, v.Status)
			f.Remedy = "Open it yourself."
		case v.Status >= 400:
			f.Severity = Warning
			f.Message = fmt.Sprintf("%s answers %d.", shown, v.Status)
		case v.Final != "" && v.Final != address && !picture:
			f.Rule, f.Message = "link-redirects", fmt.Sprintf("%s leads on to %s.", shown, cut(v.Final, 100))
			f.Remedy = "Link the page that it ends at: each step costs the reader time and may break."
			if to, err := url.Parse(v.Final); err == nil {
				if from, err := url.Parse(address); err == nil && !sameSite(from.Hostname(), to.Hostname()) {
					f.Severity = Warning
				}
			}
		default:
			return
		}
		out = append(out, f)
	}
	for _, a := range in.page.links {
		add(a.element, strings.TrimSpace(a.href), false)
	}
	for i := range in.page.elements {
		if e := &in.page.elements[i]; e.tag == "img" {
			add(i, strings.TrimSpace(e.value("src")), true)
		}
	}
	return out
}

// Addresses lists the web addresses that a letter's links and pictures name,
// each once, for whoever asks them for Facts.Links. Those that differ by
// recipient are not among them.
func Addresses(html string) (links, pictures []string) {
	p := readPage(html)
	seen := map[string]bool{}
	web := func(address string) bool {
		lower := strings.ToLower(address)
		ok := !seen[address] && (strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://"))
		seen[address] = seen[address] || ok
		return ok
	}
	for i := range p.elements {
		e := &p.elements[i]
		if src := strings.TrimSpace(e.value("src")); e.tag == "img" && web(src) {
			pictures = append(pictures, src)
		}
	}
	for _, a := range p.links {
		if href := strings.TrimSpace(a.href); web(href) {
			links = append(links, href)
		}
	}
	return links, pictures
}
