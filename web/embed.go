package web

import (
	"bytes"
	"html/template"
)

// embedded is a form for other sites. It has no script, no stamp (its page may
// be kept for years) and no looks but what the site gives it.
var embedded = template.Must(template.New("form").Parse(`<form class="lede-form" method="post" action="{{.Action}}" accept-charset="utf-8" lang="{{.Words.Lang}}" dir="{{.Words.Dir}}">
  <p>
    <label for="lede-{{.ID}}-address">{{.Words.Pages.YourAddress}}</label>
    <input id="lede-{{.ID}}-address" name="address" type="email" dir="ltr" autocomplete="email" maxlength="254" required>
  </p>
  <p>
    <label for="lede-{{.ID}}-name">{{.Words.Pages.YourName}} {{.Words.Pages.IfYouLike}}</label>
    <input id="lede-{{.ID}}-name" name="name" type="text" dir="auto" autocomplete="name" maxlength="100">
  </p>
  <p aria-hidden="true" style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)">
    <label for="lede-{{.ID}}-website">{{.Words.Pages.LeaveEmpty}}</label>
    <input id="lede-{{.ID}}-website" name="website" type="text" tabindex="-1" autocomplete="off">
  </p>
{{with .Agreement}}  <p>{{.}}</p>
{{end}}  <p><button type="submit">{{.Words.Pages.Subscribe}}</button></p>
  <p>{{.Words.Pages.Promise}}</p>
</form>
`))

// EmbeddedForm returns HTML that another site pastes into a page of its own to
// let people sign up for n at base, the address of these pages. That site must
// be among the newsletter's origins.
func EmbeddedForm(base string, n Newsletter) (string, error) {
	var out bytes.Buffer
	agreement := ""
	if n.SignUp != nil {
		agreement = n.SignUp.Agreement
	}
	err := embedded.Execute(&out, map[string]any{
		"Action": base + "/subscribe/" + n.ID, "ID": n.ID, "Words": n.speech(), "Agreement": agreement,
	})
	return out.String(), err
}
