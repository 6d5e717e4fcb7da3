package audience

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What headings mean, in the spelling of heading, the likelier first. Programs
// and languages differ; what is not listed here is an attribute, and --map says
// what the file doesn't.
var (
	emailHeads = []string{
		"email", "e mail", "email address", "e mail address", "emailaddress",
		"subscriber email", "user email", "contact email", "primary email", "email primary", "email 1", "e mail 1", "e mail 1 value", "email 1 value",
		"e mail adresse", "email adresse", "emailadresse", "mailadresse", // de, da, no
		"adresse e mail", "adresse email", "adresse mail", "adresse electronique", "courriel", "adresse courriel", // fr
		"correo", "correo electronico", "direccion de correo", "direccion de correo electronico", "direccion email", // es
		"endereco de email", "endereco de e mail", "endereco email", "correio eletronico", // pt
		"indirizzo email", "indirizzo e mail", "indirizzo mail", "posta elettronica", "indirizzo di posta elettronica", // it
		"e mailadres", "emailadres", "e mail adres", //nolint:misspell // Dutch
		"e post", "epost", "e postadress", "epostadress", "e postadresse", "epostadresse", // sv, no
		"sahkoposti", "sahkopostiosoite", // fi
		"adres e mail", "adres email", //nolint:misspell // Polish
		"e mailova adresa", "emailova adresa", // cs
		"e mail cim", "email cim", // hu
		"e posta", "eposta", "e posta adresi", // tr
		"электронная почта", "адрес электронной почты", "email адрес", "почта", "электронна пошта",
		"ηλεκτρονικο ταχυδρομειο", "メール", "メールアドレス", "邮箱", "电子邮件", "電子郵件", "이메일",
		"mail", "mail address", "subscriber", "recipient", "address",
	}
	nameHeads = []string{
		"name", "full name", "fullname", "display name", "displayname", "contact name", "subscriber name", "user name", "your name",
		"vollstandiger name", "nom complet", "nombre completo", "nome completo", "volledige naam", "naam", "namn", "navn",
		"imie i nazwisko", "имя и фамилия", "ονοματεπωνυμο", "名前", "氏名", "姓名", "이름",
	}
	firstNameHeads = []string{
		"first name", "firstname", "fname", "given name", "forename", "first",
		"vorname", "prenom", "nombre", "nome", "voornaam", "fornavn", "fornamn", "etunimi", "imie", "jmeno", "имя",
	}
	lastNameHeads = []string{
		"last name", "lastname", "lname", "surname", "family name", "last",
		"nachname", "familienname", "zuname", "nom de famille", "apellido", "apellidos", "cognome", "sobrenome", "apelido",
		"achternaam", "efternavn", "etternavn", "efternamn", "sukunimi", "nazwisko", "prijmeni", "фамилия",
	}
	tagHeads = []string{"tags", "tag", "labels", "label"}
)

// heading spells a column's heading so that it can be compared: lower case,
// without accents, all but letters and digits become one blank.
func heading(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFD.String(s[:min(len(s), 200)]) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(unicode.ToLower(r))
		default:
			gap = true
		}
	}
	return strings.TrimPrefix(norm.NFC.String(b.String()), "merge ") // Mailtrain's MERGE_FIRST_NAME
}

// rank returns the place of a heading among heads, -1 if it isn't there.
func rank(heads []string, h string) int {
	for i, head := range heads {
		if head == h {
			return i
		}
	}
	return -1
}

// AttributeName is the name of the attribute that an import makes of a column
// with a heading; empty if nothing of it can be in a name.
func AttributeName(heading string) string { return attributeKey(heading) }

// attributeKey makes the key of an attribute from a heading: "Favourite tide"
// becomes favourite_tide.
func attributeKey(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFC.String(s) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
