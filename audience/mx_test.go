package audience

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
)

// Each domain is asked for once; who is at one that takes no mail is taken and
// said, and who is at one that nobody can tell of is not.
func TestImportAsksForDomains(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	mx := &MX{Ask: func(_ context.Context, domain string) (takes, known bool) {
		mu.Lock()
		defer mu.Unlock()
		asked[domain]++
		return domain == "northpost.example", domain != "broken.example"
	}}
	var survey *Survey
	const file = "email\nines@northpost.example\nkai@gone.example\nodile@northpost.example\nper@gone.example\nada@broken.example\nben@fjärden.example\n"
	for range 2 { // a sync reads twice
		survey = new(Survey)
		done, err := Import(t.Context(), strings.NewReader(file), ImportOptions{
			List: "harbour", Name: "r.csv", Store: &keeper{}, MX: mx, Survey: survey,
		})
		if err != nil || done.New != 6 {
			t.Fatalf("%+v, %v", done, err)
		}
	}
	if want := map[string]int{"northpost.example": 1, "gone.example": 1, "broken.example": 1, "xn--fjrden-cua.example": 1}; !maps.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	var said []string
	for _, f := range survey.Flagged {
		if strings.Contains(f.Flag, "no mail") {
			said = append(said, f.Address+" "+f.Flag)
		}
	}
	want := "kai@gone.example is at a domain that takes no mail (gone.example), as are 1 more; ben@fjärden.example is at a domain that takes no mail (xn--fjrden-cua.example)"
	if got := strings.Join(said, "; "); got != want || survey.Flags[FlagNoMail] != 3 {
		t.Errorf("said %q, counted %v", got, survey.Flags)
	}
}
