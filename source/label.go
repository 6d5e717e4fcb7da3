package source

import (
	"regexp"
	"strings"
)

// The labels that a story may carry.
var labels = []string{"opinion", "analysis", "live", "update", "correction", "sponsored"}

// labelWords are the words that name a label, as a whole category or before a
// colon or bar in a headline, in lower case.
var labelWords = map[string]string{
	"opinion": "opinion", "opinions": "opinion", "op-ed": "opinion", "oped": "opinion", "commentary": "opinion", "editorial": "opinion",
	"kommentar": "opinion", "meinung": "opinion", "opinião": "opinion", "opinión": "opinion", "opinione": "opinion", "tribune": "opinion",
	"analysis": "analysis", "analyse": "analysis", "análise": "analysis", "análisis": "analysis", "analisi": "analysis",
	"live": "live", "live updates": "live", "liveblog": "live", "live blog": "live", "liveticker": "live", "ao minuto": "live", "en direct": "live", "en vivo": "live",
	"correction": "correction", "corrections": "correction", "korrektur": "correction", "corrigendum": "correction", "rectificatif": "correction",
	"sponsored": "sponsored", "sponsored content": "sponsored", "sponsored post": "sponsored", "sponsor content": "sponsored",
	"advertisement": "sponsored", "advertorial": "sponsored", "promoted": "sponsored", "promotion": "sponsored", "paid post": "sponsored",
	"paid content": "sponsored", "partner content": "sponsored", "brandvoice": "sponsored", "anzeige": "sponsored", "werbung": "sponsored",
	"publireportage": "sponsored", "publirreportaje": "sponsored", "contenido patrocinado": "sponsored", "conteúdo patrocinado": "sponsored", "ad": "sponsored",
}

// Words that are a label before a headline, but too common to be one as a
// category.
var onlyInTitles = map[string]bool{"ad": true, "live": true, "promotion": true, "tribune": true, "editorial": true, "update": true}

var (
	titlePrefix  = regexp.MustCompile(`^[\[(]?(\pL[\pL -]{0,24}\pL)(?:[\])]\s*[:|–—-]?|\s*[:|]|\s+[–—-])\s+(\S.*)$`)
	liveSuffix   = regexp.MustCompile(`(?i)\s[–—-] (?:live(?: updates| blog)?|as it happened)[!.]?$`)
	wholeBracket = regexp.MustCompile(`\s*[\[(](?i:sponsored|advertisement|anzeige|advertorial|paid post)[\])]$`)
)

// labelOf finds a story's label in its headline and categories, and returns the
// headline without it, since the label will be said in words. An advertisement
// is one wherever it says so.
func labelOf(title string, categories []string) (label, rest string) {
	rest = title
	if m := titlePrefix.FindStringSubmatch(title); m != nil {
		if l := labelWords[strings.ToLower(m[1])]; l != "" {
			label, rest = l, m[2]
		}
	}
	if loc := wholeBracket.FindStringIndex(rest); loc != nil && loc[0] > 0 {
		label, rest = "sponsored", rest[:loc[0]]
	}
	if label == "" && liveSuffix.MatchString(title) {
		label = "live"
	}
	for _, c := range categories {
		c = strings.ToLower(c)
		l := labelWords[c]
		if l == "" || onlyInTitles[c] {
			continue
		}
		if label == "" || l == "sponsored" {
			label = l
		}
	}
	return label, rest
}
