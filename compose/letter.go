package compose

// Letter is a rendered edition. Subject, HTML and Text may hold field tokens;
// everything else in them is what every recipient gets, byte for byte.
type Letter struct {
	Subject   string  `json:"subject"`
	Preheader string  `json:"preheader"`
	HTML      string  `json:"html"`
	Text      string  `json:"text"`
	Web       string  `json:"web"` // the page behind "view in browser": no fields, nobody's links
	Language  string  `json:"language"`
	OwnWords  bool    `json:"own_words,omitempty"` // the fixed words are the newsletter's own, whatever is built in for Language
	Fields    []Field `json:"fields"`
}

// Field is a place in a letter that differs by recipient.
type Field struct {
	Token    string    `json:"token"` // stands in Subject, HTML and Text; letters, digits and _ only, so that no escaping touches it
	Name     FieldName `json:"name"`
	Fallback string    `json:"fallback,omitempty"` // for FieldName "name": when the subscriber has none
}

// FieldName says what fills a field.
type FieldName string

// The fields.
const (
	FieldSubscriberName FieldName = "name"
	FieldUnsubscribe    FieldName = "unsubscribe" // URL of the recipient's unsubscribe page
	FieldView           FieldName = "view"        // URL of the edition's page, the same for all
)
