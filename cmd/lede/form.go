package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
	"lede/web"
)

func newFormCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "form [NEWSLETTER]",
		Short: "A form to paste into your own site, by which people sign up",
		Long: `Print HTML to paste into a page of your site: a form by which people sign up for
a newsletter. It needs no script, and looks as your site's style sheet says
(class lede-form). Name your site under the newsletter's signup.origins: what
other sites send is refused. docs/forms.md tells more.`,
		Example: "  lede form harbour > signup.html",
		Args:    arguments(0, 1, "a newsletter"),
		RunE:    func(_ *cobra.Command, args []string) error { return runForm(a, args) },
	}
}

func runForm(a *app, args []string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	all, err := a.newsletters(cfg)
	if err != nil {
		return err
	}
	n, err := pick(all, args)
	if err != nil {
		return err
	}
	rules := cfg.Newsletters[indexOf(all, n.ID)].SignUp
	if !rules.Open {
		return fmt.Errorf("newsletter %s takes no sign-ups\nhint: `signup: {open: true}` in its settings", n.ID)
	}
	form, err := web.EmbeddedForm(cfg.BaseURL, web.Newsletter{
		ID: n.ID, Name: n.Name, Language: n.Recipe.Language, Words: n.Recipe.Words,
		SignUp: &web.SignUp{Agreement: rules.Agreement, Good: time.Duration(rules.TokenLife)},
	})
	if err != nil {
		return err
	}
	if len(rules.Origins) == 0 {
		fmt.Fprintf(a.stderr, "note: no site may use this form yet: name yours under signup.origins of %s\n", n.ID)
	}
	if a.json {
		return a.printJSON(map[string]any{
			"newsletter": n.ID, "action": cfg.BaseURL + "/subscribe/" + n.ID, "origins": append([]string{}, rules.Origins...), "html": form,
		})
	}
	_, err = fmt.Fprint(a.stdout, form)
	return err
}

// indexOf returns where a newsletter stands.
func indexOf(all []newsroom.Newsletter, id string) int {
	for i, n := range all {
		if n.ID == id {
			return i
		}
	}
	return -1
}
