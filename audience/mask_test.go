package audience

import (
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	tests := []struct{ name, in, masked, initials string }{
		{"plain", "ona@news.example", "o•••••@n•••••.example", "o n"},
		{"one letter", "o@n.example", "o•••••@n•••••.example", "o n"},
		{"deep domain", "ona@mail.news.example", "o•••••@m•••••.example", "o m"},
		{"other scripts", "żona@łódź.example", "ż•••••@ł•••••.example", "ż ł"},
		{"no address", "ona", "•••••", ""},
		{"no dot", "ona@localhost", "•••••", ""},
		{"nothing", "", "•••••", ""},
		{"ends in a dot", "ona@news.", "•••••", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Mask(tt.in); got != tt.masked {
				t.Errorf("Mask: got %q, want %q", got, tt.masked)
			}
			local, domain, ok := Initials(tt.in)
			if got := strings.TrimSpace(local + " " + domain); got != tt.initials || ok != (got != "") {
				t.Errorf("Initials: got %q, %t, want %q", got, ok, tt.initials)
			}
		})
	}
}
