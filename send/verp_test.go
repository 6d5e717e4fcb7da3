package send

import (
	"bytes"
	"errors"
	"net/mail"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
)

func verpSender() Sender {
	return Sender{
		Newsletter:    "harbour",
		From:          mail.Address{Address: "letter@port-averne.example"},
		BounceAddress: "Bounces@port-averne.example",
		VERP:          true,
		Keys:          &audience.Keyring{Keys: map[uint32][]byte{1: bytes.Repeat([]byte{7}, 32)}, Current: 1},
	}
}

func TestVERP(t *testing.T) {
	s := verpSender()
	m, err := Compile(compose.Letter{Subject: "Back"}, s)
	if err != nil {
		t.Fatal(err)
	}
	d := &Delivery{Edition: "9f86d081884c7d65", Subscriber: 70_001}
	address := string(m.appendEnvelope([]byte("MAIL FROM:<"), d))
	address = strings.TrimPrefix(address, "MAIL FROM:<")
	a, err := checkAddress(address)
	if err != nil || a.domain != "port-averne.example" || !strings.HasPrefix(a.local, "Bounces+") {
		t.Fatalf("%s: %v", address, err)
	}
	for _, spelling := range []string{address, strings.ToLower(address), strings.ToUpper(address), "<" + address + ">", " <" + address + ">\r\n", strings.Replace(address, "port-averne", "mx", 1)} {
		edition, subscriber, err := OpenVERP(s.Keys, spelling)
		if err != nil || edition != d.Edition || subscriber != d.Subscriber {
			t.Errorf("%q: got %q, %d, %v", spelling, edition, subscriber, err)
		}
	}
	other := &Delivery{Edition: d.Edition, Subscriber: d.Subscriber + 1}
	if string(m.appendEnvelope(nil, other)) == address {
		t.Error("two deliveries have one envelope sender")
	}
	for _, stranger := range []string{"", "@", "+@", "<>", "bounces@port-averne.example", "bounces+@x", "bounces+abc@x", strings.Replace(address, "+", "-", 1), strings.Replace(address, "@", "a@", 1)} {
		if _, _, err := OpenVERP(s.Keys, stranger); !errors.Is(err, audience.ErrToken) {
			t.Errorf("%q: %v", stranger, err)
		}
	}
	s.VERP = false
	if m, err = Compile(compose.Letter{Subject: "Back"}, s); err != nil {
		t.Fatal(err)
	}
	if got := string(m.appendEnvelope(nil, d)); got != "Bounces@port-averne.example" {
		t.Errorf("without VERP: %s", got)
	}
}

func TestVERPRefuses(t *testing.T) {
	for name, test := range map[string]struct{ bounce, want string }{
		"no bounce address": {"", "needs a bounce_address"},
		"a long local part": {strings.Repeat("b", 24) + "@port-averne.example", "may have 23 characters, it has 24"},
		"quotes":            {`"b"@port-averne.example`, "without quotes"},
	} {
		s := verpSender()
		s.BounceAddress = test.bounce
		if _, err := Compile(compose.Letter{}, s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	s := verpSender()
	s.BounceAddress = strings.Repeat("b", 23) + "@port-averne.example"
	m, err := Compile(compose.Letter{}, s)
	if err != nil {
		t.Fatal(err)
	}
	d := Delivery{Address: "ines@quay.example", Edition: "9f86d081884c7d65", Subscriber: 1 << 34}
	if _, err := m.Append(nil, d, time.Time{}); err != nil {
		t.Errorf("%v", err)
	}
	if a, err := checkAddress(string(m.appendEnvelope(nil, &d))); err != nil {
		t.Errorf("%v: %v", a, err)
	}
	d.Edition = "an-edition-whose-id-is-long"
	if _, err := m.Append(nil, d, time.Time{}); err == nil || errors.Is(err, errRecipient) {
		t.Errorf("an edition whose tokens do not fit: %v", err)
	}
}
