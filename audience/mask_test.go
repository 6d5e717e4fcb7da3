package audience

import "testing"

func TestMask(t *testing.T) {
	tests := []struct{ name, in, masked, spoken string }{
		{"plain", "ona@news.example", "o•••••@n•••••.example", "beginning with o, at a domain beginning with n"},
		{"one letter", "o@n.example", "o•••••@n•••••.example", "beginning with o, at a domain beginning with n"},
		{"deep domain", "ona@mail.news.example", "o•••••@m•••••.example", "beginning with o, at a domain beginning with m"},
		{"other scripts", "żona@łódź.example", "ż•••••@ł•••••.example", "beginning with ż, at a domain beginning with ł"},
		{"no address", "ona", "•••••", "hidden"},
		{"no dot", "ona@localhost", "•••••", "hidden"},
		{"nothing", "", "•••••", "hidden"},
		{"ends in a dot", "ona@news.", "•••••", "hidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Mask(tt.in); got != tt.masked {
				t.Errorf("Mask: got %q, want %q", got, tt.masked)
			}
			if got := MaskSpoken(tt.in); got != tt.spoken {
				t.Errorf("MaskSpoken: got %q, want %q", got, tt.spoken)
			}
		})
	}
}
