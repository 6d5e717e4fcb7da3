package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"lede/newsroom"
	"lede/send/arrived"
)

// probe mails a proof of the newsletter's next letter, signed as any edition.
func probe(ctx context.Context, a *app, args []string, to string) error {
	h, err := a.open(ctx, wiring{by: "check", quiet: true})
	if err != nil {
		return err
	}
	defer h.close()
	n, err := h.newsletter(args)
	if err != nil {
		return err
	}
	p, err := h.proof(ctx, n, a.now().UTC(), wanted{})
	if err != nil {
		return err
	}
	if p.message == nil { // the letter that went last does as well
		rest, err := h.store.List(ctx, n.ID, 1, newsroom.Done, newsroom.Sending)
		if err != nil {
			return err
		}
		if len(rest) == 0 {
			return fmt.Errorf("there is nothing to send as a probe: %s", p.draft.Edition.Empty)
		}
		if n, p, err = h.storedProof(ctx, rest[0].ID, wanted{}); err != nil {
			return err
		}
	}
	if err := h.mailProof(ctx, n, p, to); err != nil {
		return err
	}
	a.say("Sent to %s through relay %s: “%s”.", to, h.relayName(n), p.draft.Edition.Subject)
	a.say("When it is there, save its original (“Show original”, “View source”) as a file, and:")
	a.say("  lede check --read FILE.eml")
	return nil
}

// readArrived judges a mail of ours as it was saved from a mailbox.
func readArrived(ctx context.Context, a *app, file string) error {
	in, name, _, err := a.openInput(file)
	if err != nil {
		return err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, arrived.Longest+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	h, err := a.open(ctx, wiring{by: "check", quiet: true})
	if err != nil {
		return err
	}
	defer h.close()
	found, err := arrived.Judge(data, h.sent(ctx, data), func(name string) ([]string, error) {
		return net.DefaultResolver.LookupTXT(ctx, name)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c := &checks{a: a, done: "Nothing is wrong with it"}
	for _, f := range found {
		c.add(f.State, f.Check, f.Text, f.Remedy)
	}
	return c.finish()
}

// sent is what we know of a mail as it was sent: our keys, and of an edition in
// the store the hosts of its letter.
func (h *house) sent(ctx context.Context, data []byte) arrived.Sent {
	s := arrived.Sent{Keys: map[string]string{}}
	for _, n := range h.newsletters {
		for _, d := range n.Sender.DKIM {
			if record, err := dkimRecord(d.Key); err == nil {
				s.Keys[strings.ToLower(d.Selector+"._domainkey."+d.Domain)] = record
			}
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		return s // Judge says it
	}
	edition, _, _ := strings.Cut(m.Header.Get("Feedback-ID"), ":")
	rec, err := h.store.Edition(ctx, strings.TrimSpace(edition))
	if err != nil || rec.Letter == nil {
		return s
	}
	s.Hosts = arrived.Hosts(rec.Letter.HTML)
	if base, err := url.Parse(h.cfg.BaseURL); err == nil {
		s.Hosts = append(s.Hosts, strings.ToLower(base.Hostname()))
	}
	return s
}

// dkimRecord is the TXT record that publishes a key (RFC 6376, 3.6.1; RFC 8463,
// 4.2).
func dkimRecord(key crypto.Signer) (string, error) {
	if public, ok := key.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", errors.New("the key cannot be published")
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public), nil
}
