// Package inbox is the local mail catcher behind `lede inbox` and `lede demo`:
// an SMTP server that takes every mail, keeps it in memory and passes nothing
// on, and a page that shows what it got.
package inbox

import (
	"crypto/tls"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options are the settings of an Inbox. The zero value works.
type Options struct {
	MaxMails int            // kept; the oldest go first. 0: 1,000
	MaxBytes int64          // kept in all. 0: 256 MB
	MaxMail  int64          // largest mail taken. 0: 25 MB
	TLS      *tls.Config    // offered by STARTTLS when set
	Hosts    []string       // names beside localhost under which the page may be reached
	Zone     *time.Location // of the times on the page; nil: the machine's
	Log      *slog.Logger   // nil: none
	Now      func() time.Time
}

// Inbox takes mail and shows it. Use New.
type Inbox struct {
	o Options

	mu      sync.Mutex
	mails   []*Mail // oldest first
	bytes   int64
	last    int64 // id of the newest mail, also the number of mails taken
	version int64 // grows with every change that the page shows
	addr    string
}

// Mail is one mail as it was taken. Everything but Unread stays as it is.
type Mail struct {
	ID     int64 // 1 for the first
	From   string
	To     []string // recipients of the envelope
	Taken  time.Time
	TLS    bool
	UTF8   bool // SMTPUTF8 was asked for
	Raw    []byte
	Unread bool

	parse func() *Parsed // reads Raw the first time; shared by copies of the mail
}

// Parsed returns what the mail says. It is read when first asked for.
func (m *Mail) Parsed() *Parsed { return m.parse() }

// New makes an empty inbox.
func New(o Options) *Inbox {
	if o.MaxMails <= 0 {
		o.MaxMails = 1000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.MaxMail <= 0 {
		o.MaxMail = 25 << 20
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Inbox{o: o}
}

// Count returns how many mails were taken since New, also those that were
// deleted or pushed out since.
func (b *Inbox) Count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(b.last)
}

// Mails returns the mails that are kept, oldest first. Their Raw must not be
// changed.
func (b *Inbox) Mails() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	mails := make([]Mail, len(b.mails))
	for i, m := range b.mails {
		mails[i] = *m
	}
	return mails
}

// keep adds a mail and lets the oldest go if there are too many.
func (b *Inbox) keep(m *Mail) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	b.version++
	m.ID, m.Unread, m.Taken = b.last, true, b.o.Now()
	raw := m.Raw
	m.parse = sync.OnceValue(func() *Parsed { return Parse(raw) })
	b.mails = append(b.mails, m)
	b.bytes += int64(len(m.Raw))
	drop := 0
	for len(b.mails)-drop > 1 && (len(b.mails)-drop > b.o.MaxMails || b.bytes > b.o.MaxBytes) {
		b.bytes -= int64(len(b.mails[drop].Raw))
		drop++
	}
	b.mails = slices.Delete(b.mails, 0, drop)
}

// mail returns the mail of an id that is kept, and marks it as read if asked.
func (b *Inbox) mail(id int64, read bool) (*Mail, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := b.find(id)
	if !found {
		return nil, false
	}
	m := b.mails[i]
	if read && m.Unread {
		m.Unread = false
		b.version++
	}
	c := *m
	return &c, true
}

func (b *Inbox) find(id int64) (int, bool) {
	return slices.BinarySearchFunc(b.mails, id, func(m *Mail, id int64) int { return int(m.ID - id) })
}

func (b *Inbox) remove(id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, found := b.find(id); found {
		b.bytes -= int64(len(b.mails[i].Raw))
		b.mails = slices.Delete(b.mails, i, i+1)
		b.version++
	}
}

func (b *Inbox) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails, b.bytes = nil, 0
	b.version++
}

// status is what the page's head says.
type status struct {
	Mails   int
	Bytes   int64
	Version int64
	Addr    string // where SMTP is taken; empty while it is not
}

func (b *Inbox) status() status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return status{Mails: len(b.mails), Bytes: b.bytes, Version: b.version, Addr: b.addr}
}
