package source

import (
	"os"
	"path/filepath"
	"testing"
)

// Titles of a publisher's own feed, "The Averne Courier" at courier.example.
func TestOwnTitles(t *testing.T) {
	const text = "The ferry to Skerrow left the north quay on Tuesday. On board was Halla Brandt of the NHS, and the crew sails again after eleven days."
	for _, c := range []struct{ title, lang, text, want string }{
		// Site names.
		{"Oyster beds reopen | The Averne Courier", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen - The Averne Courier", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen – Averne Courier", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen — THE AVERNE COURIER", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen » The Averne Courier", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen · courier.example", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen | Town | The Averne Courier", "en", "", "Oyster beds reopen"},
		{"Oyster beds reopen :: Courier", "en", "", "Oyster beds reopen"},
		{"渡轮重新启航，今天早上 | The Averne Courier", "zh", "", "渡轮重新启航，今天早上"},
		// What is no site's name.
		{"Oyster beds reopen – after six weeks", "en", "", "Oyster beds reopen – after six weeks"},
		{"Oyster beds reopen | Coast Radio", "en", "", "Oyster beds reopen | Coast Radio"},
		{"Oyster beds reopen | Town", "en", "", "Oyster beds reopen | Town"},
		{"Ferry times - Skerrow", "en", "", "Ferry times - Skerrow"},
		{"Averne - Lowholm 2-1", "en", "", "Averne - Lowholm 2-1"},
		{"Contact | The Averne Courier", "en", "", "Contact | The Averne Courier"},
		{"The Averne Courier", "en", "", "The Averne Courier"},
		{"How the Averne Courier is made", "en", "", "How the Averne Courier is made"},
		{"Well-known pilot retires", "en", "", "Well-known pilot retires"},
		// Capitals.
		{"FERRY TO SKERROW SAILS AGAIN AFTER ELEVEN DAYS", "en", text, "Ferry to Skerrow sails again after eleven days"},
		{"NHS CREW ON BOARD THE FERRY", "en", text, "NHS crew on board the ferry"},
		{"HALLA BRANDT LEFT ON TUESDAY", "en", text, "Halla Brandt left on Tuesday"},
		{"“FERRY SAILS AGAIN”, CREW OF THE NHS", "en", text, "“Ferry sails again”, crew of the NHS"},
		{"FERRY SAILS AGAIN? THE CREW LEFT", "en", text, "Ferry sails again? The crew left"},
		{"FERRY SAILS ON THE A40 AGAIN", "en", text, "Ferry sails on the A40 again"},
		{"FERRY SAILS AGAIN | THE AVERNE COURIER", "en", text, "Ferry sails again"},
		{"LE BAC REPREND LA MER À SKERROW", "fr", "Ce matin, le bac de Skerrow reprend la mer.", "Le bac reprend la mer à Skerrow"},
		{"İSKELEDE YENİ BİR TEKNE", "tr", "Bugün iskelede yeni bir tekne vardı.", "İskelede yeni bir tekne"},
		{"ISIK YENIDEN YANDI DÜN", "tr", "Dün ısık yenıden yandı.", "Isık yenıden yandı dün"},
		{"DAS BOOT FÄHRT WIEDER", "de", "Am Morgen fährt das Boot wieder.", "Das Boot fährt wieder"},
		// Not safe, or no shouting.
		{"FERRY TO SKERROW SAILS AGAIN", "en", "", "FERRY TO SKERROW SAILS AGAIN"},
		{"COUNCIL MEMBERS DEBATE HARBOUR DUES", "en", text, "COUNCIL MEMBERS DEBATE HARBOUR DUES"},
		{"DAS BOOT FÄHRT ZUR INSEL", "de", "Am Morgen fährt das Boot wieder.", "DAS BOOT FÄHRT ZUR INSEL"},
		{"NATO and EU at odds", "en", text, "NATO and EU at odds"},
		{"SOS", "en", text, "SOS"},
		{"UK V EU", "en", text, "UK V EU"},
		{"船は今朝、北の埠頭を出た", "ja", "", "船は今朝、北の埠頭を出た"},
		{"FERRY sails again", "en", text, "FERRY sails again"},
	} {
		house := newHouseStyle("The Averne Courier", []string{c.title, "x", "y"}, []string{"https://www.courier.example/a"})
		if got := house.title(c.title, []string{"Town"}, c.lang, c.text); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.title, got, c.want)
		}
	}
}

// A name that ends half the titles of a feed is the site's, whatever the feed
// calls itself. Others' titles stay as they are.
func TestOwnTitlesOnly(t *testing.T) {
	dir := t.TempDir()
	feed := filepath.Join(dir, "feed.xml")
	items := ""
	for _, title := range []string{"Oyster beds reopen", "Lamp to be lifted out", "Night bus stops again"} {
		items += "<item><title>" + title + " - Quay &amp; Bar</title><link>https://courier.example/" + title[:4] + "</link><description>Words.</description></item>"
	}
	if err := os.WriteFile(feed, []byte(`<rss version="2.0"><channel><title>All news</title><link>https://courier.example/</link>`+items+`</channel></rss>`), 0o600); err != nil {
		t.Fatal(err)
	}
	for own, want := range map[bool]string{true: "Oyster beds reopen", false: "Oyster beds reopen - Quay & Bar"} {
		r := (&Gatherer{}).Gather(t.Context(), []Spec{{ID: "site", Feed: feed, Own: own}}, nil)[0]
		if r.Err != nil || r.Stories[0].Title != want {
			t.Errorf("own %v: %v, %+v", own, r.Err, r.Stories)
		}
	}
}

// What was escaped or decoded wrongly on its way.
func TestMendedLines(t *testing.T) {
	for in, want := range map[string]string{
		"Harbourâ€™s eel traps":                  "Harbour’s eel traps",
		"â€œWeâ€™re lateâ€\u009d":                "“We’re late”",
		"Quay â€“ now â€” and â€¦":               "Quay – now — and …",
		"Ferry costs â‚¬4":                       "Ferry costs €4",
		"CafÃ© on the north quay":                "Café on the north quay",
		"FÃ¤hre fÃ¼r GroÃŸe":                     "Fähre für Große",
		"SÃ£o JoÃ£o, PraÃ§a":                     "São João, Praça",
		"El aÃ±o del faro":                       "El año del faro",
		"Temperature 4Â°C":                       "Temperature 4°C",
		"Dues of Â£3":                            "Dues of £3",
		"HarbourÃ¢â‚¬â„¢s traps":                 "Harbour’s traps",
		"CafÃƒÂ© again":                          "Café again",
		"ÐŸÑ€Ð¸Ð²ÐµÑ‚":                           "Привет",
		"Å‚Ã³dÅº i Å›wiatÅ‚o":                    "łódź i światło",
		"Ferry ðŸš¢ sails":                       "Ferry 🚢 sails",
		"Harbour&#8217;s traps":                  "Harbour’s traps",
		"Harbour&amp;#8217;s traps":              "Harbour’s traps",
		"Holm &amp;amp; Vane":                    "Holm & Vane",
		"Holm &amp; Vane":                        "Holm & Vane",
		"5 &lt; 6":                               "5 < 6",
		"A&nbsp;boat":                            "A boat",
		"Harbour&acirc;&euro;&trade;s":           "Harbour’s",
		"A <b>bold</b> step":                     "A bold step",
		"A &lt;b&gt;bold&lt;/b&gt; step":         "A bold step",
		"Vec<T> explained":                       "Vec<T> explained",
		"two\nlines\tand   spaces":               "two lines and spaces",
		"soft\u00adhyphen":                       "softhyphen",
		"zero\u200bwidth":                        "zerowidth",
		"turned \u202eround":                     "turned round",
		"Spaß“ sagt er, „viel Spaß“":             "Spaß“ sagt er, „viel Spaß“",
		"Voilà… et après":                        "Voilà… et après",
		"CAFÉ” et « CAFÉ »":                      "CAFÉ” et « CAFÉ »",
		"“A IRMÔ e “O IRMÃ…":                     "“A IRMÔ e “O IRMÃ…",
		"Âge d’or":                               "Âge d’or",
		"Ångström’s Ä and Ö":                     "Ångström’s Ä and Ö",
		"naïve façade, señor, garçon, über":      "naïve façade, señor, garçon, über",
		"İstanbul’da ışık":                       "İstanbul’da ışık",
		"船は今朝、北の埠頭を出た":                           "船は今朝、北の埠頭を出た",
		"غادر القارب الرصيف":                     "غادر القارب الرصيف",
		"המעבורת יצאה מהרציף":                    "המעבורת יצאה מהרציף",
		"नौका फिर चली":                           "नौका फिर चली",
		"Harbour's traps &quot;cut&quot;":        `Harbour's traps "cut"`,
		"x &hellip; y &mdash; z":                 "x … y — z",
		"Ã la carte, voilÃ\u00a0":                "Ã la carte, voilà",
		"Quay &ndash; R&amp;D":                   "Quay – R&D",
		"Harbour&rsquo;s &lsquo;eel&rsquo; trap": "Harbour’s ‘eel’ trap",
	} {
		if got := oneLine(in, maxTitle); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if again := oneLine(want, maxTitle); again != want {
			t.Errorf("%q is changed again: %q", want, again)
		}
	}
	s := Sanitise(mendMarkup(`<p>Harbour&acirc;&#128;&#153;s caf&Atilde;&copy; &lt;b&gt; â€“ 5 &lt; 6</p>`), "")
	if want := "<p>Harbour’s café &lt;b&gt; – 5 &lt; 6</p>"; s != want {
		t.Errorf("got %s, want %s", s, want)
	}
}

// The ends of texts that systems wrote.
func TestBoilerplateTable(t *testing.T) {
	const told = "The boat is back at the north quay."
	for _, tail := range []string{
		"The post Ferry sails appeared first on Averne Courier.", "The post Ferry sails first appeared on Averne Courier.",
		"Der Beitrag Fähre erschien zuerst auf Bote.", "L’article Le bac est apparu en premier sur Courrier.", "La entrada El barco se publicó primero en Correo.",
		"L'articolo Il traghetto proviene da Corriere.", "Het bericht Veerboot verscheen eerst op Courant.", "O post Barco apareceu primeiro em Correio.",
		"Wpis Prom pojawił się poraz pierwszy w Kurier.", "ظهرت المقالة العبارة أولاً على بريد أفيرن.", "הפוסט המעבורת הופיע לראשונה בדואר.",
		"Příspěvek Loď pochází z Kurýr.", "Innlegget Ferga dukket først opp på Budet.",
		"Read more", "Read more →", "[Read more…]", "Continue reading", "Read the full story", "Full story »", "… more",
		"Weiterlesen", "Mehr lesen →", "Lesen Sie mehr", "Den ganzen Artikel lesen", "Lire la suite", "Lire l’article complet", "En savoir plus", "Leer más",
		"Seguir leyendo", "Leggi tutto", "Leggi di più", "Lees verder", "Lees meer »", "Ler mais", "Leia mais", "Czytaj dalej", "Czytaj więcej", "Devamını oku",
		"Haberin devamı", "اقرأ المزيد", "متابعة القراءة", "קרא עוד", "להמשך קריאה", "और पढ़ें", "आगे पढ़ें", "続きを読む", "もっと見る", "阅读全文", "查看更多", "[…]", "…", "[...]",
	} {
		if got, _ := trimText(told + " " + tail); got != told {
			t.Errorf("%q\n got %q", tail, got)
		}
	}
	for _, alone := range []string{
		"Share this", "Tweet", "Continue reading Ferry sails again", "Teilen auf Facebook", "Partager sur Facebook", "Compartir en WhatsApp", "Condividi su Facebook", "Delen op Facebook", "Compartilhar no Facebook",
		"Udostępnij na Facebook", "Paylaş", "شارك على", "שתפו", "शेयर करें", "シェアする", "分享", "Advertisement", "Anzeige", "3 comments", "Ferry sails yazısı ilk önce Averne üzerinde ortaya çıktı.",
		"投稿 渡し船 は アヴァーン に最初に表示されました。", "渡轮启航最先出现在阿文邮报。", "Artykuł Prom pochodzi z serwisu Kurier.", "Read also: the lamp", "Lesen Sie auch: die Lampe",
	} {
		if got, _ := trimText(alone); got != "" {
			t.Errorf("%q is left: %q", alone, got)
		}
	}
	for _, kept := range []string{
		"PORT AVERNE (Reuters) - The boat is back at the north quay.", "(Reuters) - The boat is back.", "There is a page where you can read more.",
		"He asked to share this with nobody, and it was in the post.", "She has read more than he.", "Wir teilen das Boot mit Lowholm.", "We want more", "渡轮今天启航，更多人上船。",
		"The article appeared first on a Sunday.", "O barco saiu, e nada mais", "Gemi bugün limandan ayrıldı, devamı yarın gelecek",
	} {
		if got, cut := trimText(kept); got != kept || cut {
			t.Errorf("%q\n got %q, cut %v", kept, got, cut)
		}
	}
}
