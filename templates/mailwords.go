package templates

import "reflect"

// MailWords are the fixed words of the mails of our own to one person: whether
// it was them who signed up, and the like. They stand under `mails` in a file of
// words.
type MailWords struct {
	ConfirmSubject Phrase `yaml:"confirm_subject" fills:"newsletter"`
	Confirm        Phrase `yaml:"confirm" fills:"newsletter,address"`
	ConfirmButton  string `yaml:"confirm_button"`
	RemindSubject  Phrase `yaml:"remind_subject" fills:"newsletter"` // of the one mail that reminds
	Remind         Phrase `yaml:"remind" fills:"newsletter,address"`
	AlreadySubject Phrase `yaml:"already_subject" fills:"newsletter"` // to who gets it already
	Already        Phrase `yaml:"already" fills:"newsletter,address"`
	LinkSubject    Phrase `yaml:"link_subject" fills:"newsletter"` // with the link to their settings
	Link           Phrase `yaml:"link" fills:"newsletter"`
	SettingsButton string `yaml:"settings_button"`
	AddressSubject Phrase `yaml:"address_subject" fills:"newsletter"` // to an address that shall take another's place
	Address        Phrase `yaml:"address" fills:"newsletter,address"`
	AddressButton  string `yaml:"address_button"`
	Until          Phrase `yaml:"until" fills:"when"` // {when} as `event_time` gives it
	NotYou         string `yaml:"not_you"`
}

// MailsLack lists the words that mails of our own would need and that a file of
// a language that is not built in does not have. These mails then speak English.
func (w Words) MailsLack() []string {
	var keys []string
	v := reflect.ValueOf(w.Mails)
	for _, f := range reflect.VisibleFields(v.Type()) {
		if v.FieldByIndex(f.Index).Len() == 0 {
			keys = append(keys, yamlKey(f))
		}
	}
	return keys
}
