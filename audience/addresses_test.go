package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"one a line", "ona@news.example\n\nnowhere\r\n", []string{"1 ona@news.example", "3 nowhere"}},
		{"with names", "Ona Brann <ona@news.example>\n", []string{"1 <ona@news.example>"}},
		{"headed column", "Name;E-Mail\nOna;ona@news.example\n", []string{"2 ona@news.example"}},
		{"first column", "ona@news.example,Ona\nbo@news.example\n", []string{"1 ona@news.example", "2 bo@news.example"}},
		{"column missing", "name,email\nOna\nBo,bo@news.example\n", []string{"2  has only 1 field", "3 bo@news.example"}},
		{"bad row", "email\nona\x00@news.example\nbo@news.example\n", []string{"2  has a NUL byte", "3 bo@news.example"}},
		{"not an address first", "nowhere\nona@news.example\n", []string{"1 nowhere", "2 ona@news.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := Addresses(strings.NewReader(tt.in), func(line int, address, reason string) error {
				got = append(got, strings.TrimRight(fmt.Sprint(line, " ", address, " ", reason), " "))
				return nil
			})
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	stop := errors.New("enough")
	if err := Addresses(strings.NewReader("a\nb\n"), func(int, string, string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
