package templates

// messageSample is a message that has all there is.
func messageSample() *Message {
	words, _ := WordsFor("en")
	return &Message{
		Page:    &Page{Newsletter: "Newsletter", Lang: "en", Dir: "ltr", Words: words},
		Subject: "Subject", Title: "Title", Paragraphs: []string{"Text.", "More text."},
		Button: "Button", URL: "https://example.org/c/token", After: []string{"Afterwards."},
		Imprint: "https://example.org/i", Privacy: "https://example.org/d", Address: "Address",
	}
}
