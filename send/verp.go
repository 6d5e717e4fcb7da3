package send

import (
	"fmt"
	"strings"

	"lede/audience"
)

// checkVERP makes sure that the delivery's token fits into the envelope sender.
func (m *Message) checkVERP() error {
	if !m.sender.VERP {
		return nil
	}
	local := m.envelope.local
	if strings.HasPrefix(local, `"`) {
		return fmt.Errorf("bounce_address: verp needs a local part without quotes")
	}
	// An edition's id as it is made.
	return m.fitsVERP("0123456789abcdef")
}

// fitsVERP makes sure that the tokens of an edition fit into the local part.
func (m *Message) fitsVERP(edition string) error {
	if !m.sender.VERP {
		return nil
	}
	// A subscriber's number far beyond any list.
	token := m.tokens.AppendReturn(nil, edition, 1<<34)
	if room, has := longestLocal-1-len(token), len(m.envelope.local); has > room {
		return fmt.Errorf("bounce_address: with verp its local part may have %d characters, it has %d", max(0, room), has)
	}
	return nil
}

// appendEnvelope appends the address for MAIL FROM, without angle brackets. With
// VERP it names the delivery: local+TOKEN@domain.
func (m *Message) appendEnvelope(dst []byte, d *Delivery) []byte {
	if !m.sender.VERP {
		return m.envelope.append(dst)
	}
	dst = append(dst, m.envelope.local...)
	dst = append(dst, '+')
	dst = m.tokens.AppendReturn(dst, d.Edition, d.Subscriber)
	dst = append(dst, '@')
	return append(dst, m.envelope.domain...)
}

// OpenVERP reads an address that mails went out from with VERP: which edition
// came back, and whose mail it was. Case does not matter, and neither do angle
// brackets. Every other address, and one that none of keys signed, is
// audience.ErrToken.
func OpenVERP(keys *audience.Keyring, address string) (edition string, subscriber int64, err error) {
	local, _, ok := cutLast(strings.TrimPrefix(strings.TrimSpace(address), "<"), '@')
	if !ok {
		return "", 0, audience.ErrToken
	}
	_, token, ok := cutLast(local, '+')
	if !ok {
		return "", 0, audience.ErrToken
	}
	return keys.OpenReturn(token)
}

// cutLast cuts s at its last sep.
func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
