package templates

import (
	"reflect"
	"strings"
	"time"
)

// Phrase is a text in which {places} are filled in. The tag `fills` of its field
// names them.
type Phrase string

// With fills places: With("name", "Ines", "day", "Monday") puts Ines for {name}
// and Monday for {day}.
func (p Phrase) With(pairs ...string) string {
	fills := make([]string, len(pairs))
	for i := range pairs {
		fills[i] = pairs[i]
		if i%2 == 0 {
			fills[i] = "{" + pairs[i] + "}"
		}
	}
	return strings.NewReplacer(fills...).Replace(string(p))
}

// PageWords are the fixed words of the pages that readers reach on the web:
// archive, subscribe, unsubscribe, and those that say that something did not work. They
// stand under `pages` in a file of words.
type PageWords struct {
	MonthHeading       Phrase        `yaml:"month" fills:"month,year"`           // over the letters of a month
	MonthsAlone        CalendarNames `yaml:"months_alone,flow"`                  // as they stand without a day, where that is another form; empty: as `months`
	Date               Phrase        `yaml:"date" fills:"day,month,year"`        // without the day of the week
	ListDay            Phrase        `yaml:"list_day" fills:"weekday,day,month"` // before a letter in a list; the weekday is short
	FirstDay           Phrase        `yaml:"first_day" fills:"weekday,day,month"`
	And                Phrase        `yaml:"and" fills:"names,last"` // {names} are joined by `comma`
	Archive            string        `yaml:"archive"`
	Description        Phrase        `yaml:"description" fills:"newsletter"`           // for search engines and feeds
	DescriptionLine    Phrase        `yaml:"description_line" fills:"newsletter,line"` // {line} is the newsletter's own, as under its name
	Letters            Plural        `yaml:"letters"`
	LettersSince       Phrase        `yaml:"letters_since" fills:"letters,month"` // {month} as in "March 2025", {letters} as `letters` has it
	LettersOf          Phrase        `yaml:"letters_of" fills:"letters,date"`     // of the only letter
	LettersFound       Plural        `yaml:"letters_found"`
	NewestFound        Phrase        `yaml:"newest_found" fills:"n"` // {n} is 100
	NothingSent        string        `yaml:"nothing_sent"`
	FirstLetter        Phrase        `yaml:"first_letter" fills:"day"` // {day} is a weekday, or `first_day`
	NoWord             string        `yaml:"no_word"`
	NoWords            string        `yaml:"no_words"`
	FindLabel          string        `yaml:"find_label"`
	Find               string        `yaml:"find"`
	Newer              string        `yaml:"newer"`
	Older              string        `yaml:"older"`
	Newest             string        `yaml:"newest"`
	Feeds              string        `yaml:"feeds"` // before the names of the formats, with its colon
	Newsletters        string        `yaml:"newsletters"`
	ComesByMail        string        `yaml:"comes_by_mail"` // of one newsletter
	ComeByMail         string        `yaml:"come_by_mail"`  // of several
	ThisNewsletter     string        `yaml:"this_newsletter"`
	Spoken             Phrase        `yaml:"spoken" fills:"local,domain"` // a hidden address as a screen reader says it: the first letters of its two parts
	Hidden             string        `yaml:"hidden"`                      // one without such parts
	Proof              string        `yaml:"proof"`
	ProofTitle         string        `yaml:"proof_title"`
	ProofLetter        string        `yaml:"proof_letter"`
	LeaveTitle         Phrase        `yaml:"leave_title" fills:"newsletter"`
	Leave              Phrase        `yaml:"leave" fills:"address"`
	LeaveOnly          Phrase        `yaml:"leave_only" fills:"newsletter"`
	LeaveKeep          Phrase        `yaml:"leave_keep" fills:"others"` // names of other newsletters
	LeaveAll           string        `yaml:"leave_all"`
	LeaveAllHint       string        `yaml:"leave_all_hint"`
	LeaveUndo          string        `yaml:"leave_undo"`
	LeftTitle          Phrase        `yaml:"left_title" fills:"newsletter"`
	Left               Phrase        `yaml:"left" fills:"address"`
	LeftAll            Phrase        `yaml:"left_all" fills:"address"`
	LeftStill          Phrase        `yaml:"left_still" fills:"others"`
	Undo               Phrase        `yaml:"undo" fills:"newsletter"`
	BackTitle          string        `yaml:"back_title"`
	Back               Phrase        `yaml:"back" fills:"newsletter,address"`
	Choose             string        `yaml:"choose"`      // the link from the page to leave
	Preferences        string        `yaml:"preferences"` // over the page where people choose
	PreferencesOf      Phrase        `yaml:"preferences_of" fills:"address"`
	LettersYouGet      string        `yaml:"letters_you_get"`
	WhenAndHow         string        `yaml:"when_and_how"`
	Zone               string        `yaml:"zone"`
	ZoneHint           string        `yaml:"zone_hint"`
	ZoneWrong          Phrase        `yaml:"zone_wrong" fills:"zone"`
	Pause              string        `yaml:"pause"`
	NoPause            string        `yaml:"no_pause"`
	Weeks              Plural        `yaml:"weeks"` // of a pause
	UntilDay           string        `yaml:"until_day"`
	Until              Phrase        `yaml:"until" fills:"day"` // of the pause that is
	Day                string        `yaml:"day"`
	PauseHint          string        `yaml:"pause_hint"`
	DayWrong           string        `yaml:"day_wrong"`
	PagesLanguage      string        `yaml:"pages_language"`
	AsLetter           string        `yaml:"as_letter"` // no choice of time zone or language
	Save               string        `yaml:"save"`
	Saved              Phrase        `yaml:"saved" fills:"time"`
	YourData           string        `yaml:"your_data"`
	DataHint           string        `yaml:"data_hint"` // before the link is asked for
	MailLink           string        `yaml:"mail_link"`
	LinkMailed         Phrase        `yaml:"link_mailed" fills:"address"`
	JoinMailed         Phrase        `yaml:"join_mailed" fills:"address"`
	ChangeAddress      string        `yaml:"change_address"`
	ChangeHint         string        `yaml:"change_hint"`
	NewAddress         string        `yaml:"new_address"`
	WriteThere         string        `yaml:"write_there"`
	AddressAsked       Phrase        `yaml:"address_asked" fills:"address"`
	ConfirmAddress     string        `yaml:"confirm_address"`
	ConfirmAddressText Phrase        `yaml:"confirm_address_text" fills:"old,address"`
	ConfirmAddressYes  string        `yaml:"confirm_address_yes"`
	AddressChanged     string        `yaml:"address_changed"`
	AddressChangedText Phrase        `yaml:"address_changed_text" fills:"address"`
	Over               string        `yaml:"over"` // of a link that is mailed
	Download           string        `yaml:"download"`
	LeaveEverything    string        `yaml:"leave_everything"`
	Erase              string        `yaml:"erase"`
	EraseHint          Phrase        `yaml:"erase_hint" fills:"word"`
	EraseWord          string        `yaml:"erase_word"` // is written to have everything erased
	ErasedTitle        string        `yaml:"erased_title"`
	Erased             string        `yaml:"erased"`
	BrokenTitle        string        `yaml:"broken_title"`
	Broken             string        `yaml:"broken"`
	FaultTitle         string        `yaml:"fault_title"`
	Fault              string        `yaml:"fault"`
	NoLetterTitle      string        `yaml:"no_letter_title"`
	NoPageTitle        string        `yaml:"no_page_title"`
	OffTitle           string        `yaml:"off_title"`
	Off                string        `yaml:"off"`
	Subscribe          string        `yaml:"subscribe"`
	SubscribeTitle     Phrase        `yaml:"subscribe_title" fills:"newsletter"`
	YourAddress        string        `yaml:"your_address"`
	YourName           string        `yaml:"your_name"`
	IfYouLike          string        `yaml:"if_you_like"` // behind `your_name`
	Promise            string        `yaml:"promise"`     // what is agreed to by signing up
	ReadFirst          string        `yaml:"read_first"`  // over the newest letters
	AllLetters         string        `yaml:"all_letters"`
	LeaveEmpty         string        `yaml:"leave_empty"` // of a field that people don't see
	ErrorTitle         Phrase        `yaml:"error_title" fills:"title"`
	AddressMissing     string        `yaml:"address_missing"`
	AddressLike        Phrase        `yaml:"address_like" fills:"address"`
	AddressMean        Phrase        `yaml:"address_mean" fills:"domain"` // a domain that looks like a slip
	MeantYes           string        `yaml:"meant_yes"`
	MeantNo            string        `yaml:"meant_no"`
	TooQuick           Phrase        `yaml:"too_quick" fills:"button"` // {button} is a word on the page
	TooMany            Phrase        `yaml:"too_many" fills:"minutes"` // {minutes} is what `minutes` gives
	OneMoreTitle       string        `yaml:"one_more_title"`
	OneMore            Phrase        `yaml:"one_more" fills:"button,address"`
	Working            string        `yaml:"working"` // while the browser does the work that keeps programs out
	CaptchaScript      string        `yaml:"captcha_script"`
	CaptchaFailed      string        `yaml:"captcha_failed"`
	CaptchaDown        string        `yaml:"captcha_down"`
	CheckTitle         string        `yaml:"check_title"`
	Check              Phrase        `yaml:"check" fills:"address"`
	CheckSpam          string        `yaml:"check_spam"`
	CheckDays          Plural        `yaml:"check_days"`
	CheckAgain         string        `yaml:"check_again"`
	ConfirmTitle       string        `yaml:"confirm_title"`
	Confirm            Phrase        `yaml:"confirm" fills:"newsletter,address"`
	ConfirmButton      string        `yaml:"confirm_button"`
	ConfirmNot         string        `yaml:"confirm_not"`
	InTitle            string        `yaml:"in_title"`
	InNext             Phrase        `yaml:"in_next" fills:"day,time"` // {day} as in `first_letter`
	OldTitle           string        `yaml:"old_title"`
	Old                string        `yaml:"old"`
	BrokenAgain        string        `yaml:"broken_again"`
	BrokenButton       string        `yaml:"broken_button"`
	LinkSent           Phrase        `yaml:"link_sent" fills:"address"`
}

// PagesLack lists the words that pages would need and that a file of a language
// that is not built in does not have. Pages then speak English.
func (w Words) PagesLack() []string {
	var keys []string
	v := reflect.ValueOf(w.Pages)
	for i := range v.NumField() { // every page asks, so the fields' names are looked at only where one is empty
		if v.Field(i).Len() > 0 {
			continue
		}
		if f := v.Type().Field(i); f.Name != "MonthsAlone" {
			keys = append(keys, yamlKey(f))
		}
	}
	return keys
}

// MonthHeading writes a month over what happened in it: "November 2026".
func (w Words) MonthHeading(t time.Time) string {
	months := w.Pages.MonthsAlone
	if len(months) == 0 {
		months = w.Months
	}
	return w.day(string(w.Pages.MonthHeading), w.Weekdays, months, t)
}

// InMonth writes a month within a sentence: "November 2026".
func (w Words) InMonth(t time.Time) string {
	return w.day(string(w.Pages.MonthHeading), w.Weekdays, w.Months, t)
}

// ShortDate writes a day without its day of the week: "26 November 2026".
func (w Words) ShortDate(t time.Time) string {
	return w.day(string(w.Pages.Date), w.Weekdays, w.Months, t)
}

// ListDay writes a day before what stands in a list by months: "Thu 26 November".
func (w Words) ListDay(t time.Time) string {
	return w.day(string(w.Pages.ListDay), w.WeekdaysShort, w.Months, t)
}

// FirstDay writes a day of the coming week as "Thursday", any other as
// "Thursday 26 November".
func (w Words) FirstDay(t time.Time, soon bool) string {
	if soon {
		return w.Weekdays[t.Weekday()]
	}
	return w.day(string(w.Pages.FirstDay), w.Weekdays, w.Months, t)
}

// CountLetters says how many letters there are: "7 letters".
func (w Words) CountLetters(n int) string { return w.Pages.Letters.with(w.language, n) }

// CountFound says how many letters a search found: "7 letters found".
func (w Words) CountFound(n int) string { return w.Pages.LettersFound.with(w.language, n) }

// CheckDays says how long a mail is good: "The mail is good for 3 days."
func (w Words) CheckDays(n int) string { return w.Pages.CheckDays.with(w.language, n) }

// Join writes names as in a sentence: "A, B and C".
func (w Words) Join(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return w.Pages.And.With("names", strings.Join(names[:last], w.Comma), "last", names[last])
}

// PauseOf says how long a pause of weeks is: "For 2 weeks".
func (w Words) PauseOf(weeks int) string { return w.Pages.Weeks.with(w.language, weeks) }
