package source

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// trimEnd takes off what systems append to a text and nobody wrote: "The post …
// appeared first on …", share links, comment counts, "Read more" and marks of a
// cut. It says whether the text had been cut.
func trimEnd(blocks []*block) (rest []*block, cut bool) {
	blocks = slices.DeleteFunc(blocks, func(b *block) bool { return b.kind == "p" && adWords[strings.ToLower(b.plain())] })
	for range 30 {
		leaf := lastLeaf(blocks)
		if leaf == nil {
			return nil, cut
		}
		text := leaf.plain()
		kept, wasCut := trimText(text)
		cut = cut || wasCut
		if kept == text {
			break
		}
		if kept == "" {
			blocks = removeLeaf(blocks, leaf)
			continue
		}
		truncate(leaf, kept)
	}
	return blocks, cut
}

// trimText is trimEnd for one paragraph.
func trimText(text string) (kept string, cut bool) {
	kept = text
	if furniture(kept) {
		return "", false
	}
	for _, tail := range tails {
		if loc := tail.FindStringIndex(kept); loc != nil {
			kept = strings.TrimRightFunc(kept[:loc[0]], unicode.IsSpace)
		}
	}
	kept = trimAppeared(kept)
	if loc := moreUnspaced.FindStringIndex(kept); loc != nil {
		kept, cut = strings.TrimRightFunc(kept[:loc[0]], isOpening), true
	}
	if continues(kept) {
		return "", true
	}
	if m := moreTail.FindStringSubmatchIndex(kept); m != nil && moreEnds(kept, m) {
		kept, cut = strings.TrimRightFunc(kept[:m[2]], unicode.IsSpace), true
	}
	if loc := cutMark.FindStringIndex(kept); loc != nil {
		kept, cut = strings.TrimRightFunc(kept[:loc[0]], unicode.IsSpace), true
	}
	return kept, cut
}

var adWords = map[string]bool{
	"advertisement": true, "advertising": true, "anzeige": true, "werbung": true, "publicité": true, "publicidad": true,
	"publicidade": true, "pubblicità": true, "reclame": true, "annons": true, "sponsored": true, "promoted": true,
}

var (
	comments = regexp.MustCompile(`(?i)^[\[(]?(?:(?:no|add a|leave a|post a|view|all)? ?(?:leserkommentare?|kommentare?|comments?|comentarios?|comentários?|commentaires?|commenti|reacties)[ :]*[\[(]?\d*[\])]?|\d+ (?:leserkommentare?|kommentare?|comments?|comentarios?|comentários?|commentaires?|commenti|reacties))[\])]?$`)
	related  = regexp.MustCompile(`(?i)^(?:read more|read also|see also|related|more on this(?: story)?|lesen sie auch|mehr zum thema|lire aussi|lea también|leggi anche|lees ook|leia também)\s?: ?\S`)
	// What systems sign an item with where the words around its names are not two
	// that stand apart.
	appearedWhole = regexp.MustCompile(`^(?:.{1,300} yazısı ilk önce .{1,150} üzerinde ortaya çıktı|(?:投稿 ?)?.{1,300} は .{1,150} に最初に表示されました|(?:文章|帖子)?.{1,300}最(?:先|早|初)(?:出现|出現|發佈|发布)(?:在|于|於).{1,150}|Artykuł .{1,300} pochodzi z serwisu .{1,150})[.。]?$`)
	signed        = regexp.MustCompile(`^submitted by\s*\S+(?:\s+to\s+\S+)?$|^.{1,300} was originally published in .{1,200} on Medium, where people are continuing the conversation\b.{0,120}$`)
	// What reddit puts under each entry.
	tails = []*regexp.Regexp{
		regexp.MustCompile(`(?:^|\s)submitted by\s+/?u/\S+(?:\s+to\s+/?r/\S+)?(?:\s*\[link\])?(?:\s*\[(?:\d+ )?comments?\])?$`),
		regexp.MustCompile(`(?:^|\s)\[link\]\s*\[(?:\d+ )?comments?\]$`),
	}
	cutMark = regexp.MustCompile(`\s*(?:[\[({]\s*(?:…|\.{2,}|\. \. \.)\s*[\])}]|…|\.{3,}|\. \. \.)+$`)

	arrows   = `[\s\])}.…→»›>⟶➔➜⇒]*`
	moreTail = regexp.MustCompile(`(?i)(?:^|.)((?:^|\b|\s|[\[({<«]+\s*)(?:` + strings.Join(morePhrases, "|") + `)` + arrows + `)$`)
	moreLong = regexp.MustCompile(`(?i)^(?:continue reading|keep reading|read (?:the )?(?:full|rest|whole|entire)|read more (?:at|on|about|here|in)|click here to (?:read|continue)|view entire post)\b`)
)

var morePhrases = []string{
	"read more", "read on", "read (?:the )?full (?:story|article|post)", "read (?:the )?(?:rest|whole|entire)(?: of this)? (?:story|article|entry|post)",
	"read it all", "continue reading", "keep reading", "full story", "see more", "view more", "show more", "view entire post",
	"click (?:here )?to (?:read more|continue(?: reading)?)", "weiterlesen", "mehr lesen", "mehr erfahren", "lesen sie mehr",
	"zum (?:ganzen |vollständigen )?artikel", "lire la suite", "lire plus", "en savoir plus", "leer más", "seguir leyendo", "sigue leyendo",
	"leggi tutto", "continua a leggere", "lees verder", "lees meer", "ler mais", "continuar a ler", "continue lendo", "leia mais",
	"saiba mais", "läs mer", "læs mere", "les mer", "lue lisää", "czytaj dalej", "číst dále", "devamını oku", "читать далее",
	"czytaj (?:więcej|całość)", "więcej", "devamı", "haberin devamı", "daha fazla(?:sını)? oku", "tamamını oku",
	"lire l[’']article(?: complet)?", "lire l[’']intégralité", "leer (?:la )?noticia completa", "leer el artículo completo", "ler (?:o )?artigo completo", "continuar lendo",
	"leggi (?:di più|l[’']articolo completo)", "per saperne di più", "lees het hele artikel", "meer lezen", "den ganzen (?:artikel|beitrag) lesen", "zum originalartikel",
	"اقرأ المزيد", "اقرأ أيضا", "للمزيد", "متابعة القراءة", "أكمل القراءة", "تابع القراءة", "קראו? עוד", "להמשך (?:ה)?קריאה", "המשיכו לקרוא", "לכתבה המלאה",
	"और पढ़ें", "आगे पढ़ें", "पूरा पढ़ें", "पूरी ख़बर पढ़ें", "more", "mehr", "continue", "continua", "weiter", "suite",
}

// moreUnspaced is the same in scripts without spaces.
var moreUnspaced = regexp.MustCompile(`[\[（(「【]*(?:続きを(?:読む|見る)|もっと(?:読む|見る)|全文を読む|記事全文|阅读全文|閱讀全文|阅读更多|閱讀更多|继续阅读|繼續閱讀|查看全文|查看更多|了解更多|더 ?보기|계속 읽기)[\s\])）」】.。…→»›>]*$`)

func isOpening(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Ps, r) || r == '…' }

// moreEnds decides whether words that read "Read more" are a link's and not the
// end of a sentence ("… where you can read more").
func moreEnds(text string, m []int) bool {
	before := strings.TrimSpace(text[:m[2]])
	tail := strings.TrimSpace(text[m[2]:m[3]])
	if before == "" {
		return true
	}
	word := strings.TrimLeft(tail, "[({<« ")
	bracketed := len(word) < len(tail)
	first := []rune(word)[0]
	last := []rune(before)[len([]rune(before))-1]
	oneWord := !strings.Contains(strings.Trim(word, "])}.…→»›>⟶➔➜⇒ "), " ")
	switch {
	case bracketed, strings.HasSuffix(before, "…"), strings.HasSuffix(before, "..."):
		return true
	case strings.ContainsRune(".!?]»”\"’؟۔।", last):
		return !oneWord || unicode.IsUpper(first) || strings.ContainsAny(tail, "→»›>")
	default:
		return unicode.IsUpper(first) && !oneWord || strings.ContainsAny(tail, "→»›⟶➔➜⇒")
	}
}

// continues: a paragraph that only says that there is more.
func continues(text string) bool {
	return len(text) < 300 && moreLong.MatchString(text) && !strings.Contains(text, ". ")
}

// furniture: a paragraph that belongs to the page and not to the text.
func furniture(text string) bool {
	return comments.MatchString(text) || len(text) < 2000 && (appearedWhole.MatchString(text) || signed.MatchString(text)) || (len(text) < 200 && related.MatchString(text)) || shares(text) || adWords[strings.ToLower(text)]
}

// shares: nothing but the names of places to share a story at.
func shares(text string) bool {
	if len(text) > 120 {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '-' })
	found := false
	for _, w := range words {
		kind, ok := shareWords[w]
		if !ok {
			return false
		}
		found = found || kind
	}
	return found
}

// shareWords: true for words that alone make a line one of share links.
var shareWords = map[string]bool{
	"share": true, "tweet": true, "facebook": true, "twitter": true, "linkedin": true, "whatsapp": true, "pinterest": true,
	"delen": true, "compartilhar": true, "compartilhe": true, "partilhar": true, "udostępnij": true, "paylaş": true, "شارك": true, "مشاركة": true,
	"שתפו": true, "שיתוף": true, "शेयर": true, "साझा": true, "シェア": true, "シェアする": true, "分享": true, "dela": true, "jaa": true, "поделиться": true,
	"करें": false, "على": false, "عبر": false, "する": false, "を": false, "на": false, "w": false, "na": false, "bu": false, "ב": false, "על": false, "op": false, "no": false, "em": false,
	"dit": false, "artikel": false, "questo": false, "articolo": false, "cet": false, "este": false, "artículo": false, "artigo": false, "instagram": false, "threads": false, "tumblr": false, "xing": false,
	"mastodon": true, "bluesky": true, "permalink": true, "teilen": true, "partager": true, "compartir": true, "condividi": true,
	"email": false, "e-mail": false, "mail": false, "print": false, "drucken": false, "reddit": false, "telegram": false, "x": false,
	"this": false, "on": false, "via": false, "save": false, "pin": false, "it": false, "with": false, "friends": false, "link": false,
	"article": false, "story": false, "post": false, "auf": false, "sur": false, "en": false, "su": false, "to": false, "comment": false, "comments": false,
}

// appeared is how systems sign an item of a feed, in their languages.
var appeared = []struct{ intro, verb string }{
	{"The post ", " appeared first on "},
	{"The post ", " first appeared on "},
	{"Der Beitrag ", " erschien zuerst auf "},
	{"L’article ", " est apparu en premier sur "},
	{"L'article ", " est apparu en premier sur "},
	{"Cet article ", " est apparu en premier sur "},
	{"La entrada ", " se publicó primero en "},
	{"La entrada ", " aparece primero en "},
	{"L'articolo ", " proviene da "},
	{"L’articolo ", " proviene da "},
	{"Het bericht ", " verscheen eerst op "},
	{"O post ", " apareceu primeiro em "},
	{"O conteúdo ", " aparece primeiro em "},
	{"Inlägget ", " dök först upp på "},
	{"Wpis ", " pojawił się poraz pierwszy w "},
	{"Wpis ", " pojawił się pierwszy raz "},
	{"O post ", " apareceu primeiro no "},
	{"O post ", " aparece primeiro em "},
	{"La publicación ", " apareció primero en "},
	{"Le contenu ", " est apparu en premier sur "},
	{"Het artikel ", " verscheen eerst op "},
	{"Indlægget ", " blev først udgivet på "},
	{"Innlegget ", " dukket først opp på "},
	{"Příspěvek ", " pochází z "},
	{"Сообщение ", " появились сначала на "},
	{"ظهرت المقالة ", " أولاً على "},
	{"ظهرت المقالة ", " أولا على "},
	{"הפוסט ", " הופיע לראשונה ב"},
	{"पोस्ट ", " पहली बार "},
}

func trimAppeared(text string) string {
	for _, a := range appeared {
		verb := strings.LastIndex(text, a.verb)
		if verb < 0 || len(text)-verb > 250 {
			continue
		}
		intro := strings.LastIndex(text[:verb+1], a.intro)
		if intro == 0 || (intro > 0 && text[intro-1] == ' ') {
			return strings.TrimSpace(text[:intro])
		}
	}
	return text
}

func lastLeaf(blocks []*block) *block {
	for i := len(blocks) - 1; i >= 0; i-- {
		if blocks[i].leaf() {
			return blocks[i]
		}
		if l := lastLeaf(blocks[i].kids); l != nil {
			return l
		}
	}
	return nil
}

// removeLeaf takes a leaf out, and the containers that it leaves empty.
func removeLeaf(blocks []*block, leaf *block) []*block {
	var out []*block
	for _, b := range blocks {
		if b == leaf {
			continue
		}
		if !b.leaf() {
			if b.kids = removeLeaf(b.kids, leaf); len(b.kids) == 0 {
				continue
			}
		}
		out = append(out, b)
	}
	return out
}

// truncate leaves of a leaf what its plain text is to be, a beginning of it.
func truncate(leaf *block, plain string) {
	left := 0 // characters that are not white space
	for _, r := range plain {
		if !unicode.IsSpace(r) {
			left++
		}
	}
	for i := range leaf.text {
		for at, r := range leaf.text[i].text {
			if unicode.IsSpace(r) {
				continue
			}
			if left == 0 {
				leaf.text[i].text = leaf.text[i].text[:at]
				leaf.text = leaf.text[:i+1]
				trimSpaceEnd(leaf)
				return
			}
			left--
		}
	}
}

func trimSpaceEnd(leaf *block) {
	for i := len(leaf.text) - 1; i >= 0; i-- {
		leaf.text[i].text = strings.TrimRightFunc(leaf.text[i].text, unicode.IsSpace)
		if leaf.text[i].text != "" {
			leaf.text = leaf.text[:i+1]
			return
		}
	}
	leaf.text = nil
}
