package compose

import (
	"slices"
	"testing"
)

// A bar in the text marks where a sentence must end; elsewhere none may.
func TestSentenceEnds(t *testing.T) {
	for _, c := range []struct{ name, lang, text string }{
		{"plain", "en", "The ferry sails again.| The crew had breakfast.|"},
		{"question and exclamation", "en", "Who pays?| Nobody!| The board will meet.|"},
		{"no space after", "en", "See example.org for more.| It is free.|"},
		{"initials", "en", "The book is by J. K. Rowling and A. Milne.| It sold out.|"},
		{"country", "en", "The U.S. Coast Guard came.| It left.|"},
		{"representative", "en", "Then Rep. Oda Farrant (R-Ga.) spoke.| Nobody clapped.|"},
		{"two letters of a state", "en", "Sen. Holm (D-N.Y.) Voted no.|"},
		{"doctor", "en", "We asked Dr. Reyl.| He was at sea.|"},
		{"street", "en", "It stood in St. Anne Street.| It burnt.|"},
		{"number of an issue", "en", "This is No. 212 of the letter.| Enjoy it.|"},
		{"the word no", "en", "She said no.| Then 24 boats left.|"},
		{"decimal", "en", "The tide rose 3.5 metres.| It fell 2.|"},
		{"year", "en", "It began in 1871.| The lamp was new.|"},
		{"small letter goes on", "en", "The ship Yes! was sold.| It sank.|"},
		{"quotation closes", "en", "“We had eggs.”| Nobody bought them.|"},
		{"question in a quotation", "en", "“Who pays?” asked Halla.| Nobody knew.|"},
		{"British quotation", "en", "They called it ‘the light’.| It went out.|"},
		{"bracket closes", "en", "The lamp is old.| (It is from 1871.)| It works.|"},
		{"ellipsis", "en", "He waited … and then … Nothing came.|"},
		{"three dots", "en", "He waited... Then nothing.|"},
		{"dash after a quotation", "en", "“No.” — Halla Brandt"},
		{"list number", "en", "It costs 12.| The rest is free.|"},
		{"month", "en", "It opens on Nov. 24 at nine.| Come early.|"},
		{"time of day", "en", "It left at 9 a.m. on Monday.| It came back.|"},

		{"German date", "de", "Die Fähre fährt am 24. November wieder.| Die Karten sind knapp.|"},
		{"German date, language not known", "", "Die Fähre fährt am 24. November wieder.| Die Karten sind knapp.|"},
		{"German century", "de", "Das Haus ist aus dem 19. Jahrhundert.| Es steht leer.|"},
		{"German abbreviations", "de", "Es gibt z. B. Fisch, u. a. Aal, bzw. Hering.| Nr. 12 ist leer.|"},
		{"German abbreviation without space", "de", "Es gibt z.B. Fisch.| Er ist frisch.|"},
		{"German quotation", "de", "„Wir fahren.“| Das sagte Tomas Reyl.|"},
		{"English number is no ordinal", "en", "The crew are 24.| Nobody is older.|"},

		{"French", "fr", "Le bac, p. ex., repart lundi.| M. Reyl l’a dit.|"},
		{"French quotation", "fr", "« Le bac repart. »| Le quai attend.|"},
		{"Spanish", "es", "¿Quién paga?| Nadie lo sabe.| El Sr. Reyl calla.|"},
		{"Russian", "ru", "Паром вернулся в г. Аверн.| Ждали т. е. долго.|"},
		{"Greek", "el", "Το πλοίο έφυγε.| Ο καπετάνιος γύρισε.|"},
		{"Arabic", "ar", "هل يبحر القارب؟| نعم، غدا.| وصل الصيادون.|"},
		{"Urdu", "ur", "کشتی آ گئی۔| لوگ خوش ہیں۔|"},
		{"Hindi", "hi", "नाव चल पड़ी।| लोग खुश हैं।|"},
		{"Japanese", "ja", "船は出た。|港は静かだ。|誰もいない！|"},
		{"Japanese quotation", "ja", "「船は出た。」と彼は言った。|港は静かだ。|"},
		{"Chinese", "zh", "渡轮恢复了。|乘客很多。|“谁付钱？”他问。|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text []byte
			var want []int
			for _, b := range []byte(c.text) {
				if b == '|' {
					want = append(want, len(text))
					continue
				}
				text = append(text, b)
			}
			got := sentenceEnds(string(text), c.lang)
			if !slices.Equal(got, want) {
				marked := string(text)
				for _, end := range slices.Backward(got) {
					marked = marked[:end] + "|" + marked[end:]
				}
				t.Errorf("got  %s\nwant %s", marked, c.text)
			}
		})
	}
}

func TestEndsSentence(t *testing.T) {
	for text, want := range map[string]bool{
		"The boat left.":             true,
		"The boat left at 9 p.m.":    true,
		"“The boat left.”":           true,
		"Is it gone?)":               true,
		"船は出た。":                      true,
		"She read out the list:":     false,
		"The boat left …":            false,
		"The boat left...":           false,
		"The boat left":              false,
		"“The boat left,”":           false,
		"":                           false,
		"By Tomas Wren, Carrow Head": false,
	} {
		if got := endsSentence(text); got != want {
			t.Errorf("endsSentence(%q) = %v, want %v", text, got, want)
		}
	}
}
