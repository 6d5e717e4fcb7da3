package api

import (
	"context"
	"errors"
	"time"

	"lede/audience"
	"lede/audience/segment"
	"lede/newsroom"
)

// Tokens keeps the tokens of programs. Every method is one transaction.
type Tokens interface {
	// APIToken returns the token of a hash with that hash as it is kept, also one
	// that expired or was revoked; ErrNoToken.
	APIToken(ctx context.Context, hash string) (t Token, kept string, err error)
	// HasAPITokens says whether there is a token that is valid.
	HasAPITokens(ctx context.Context, now time.Time) (bool, error)
	// UsedAPIToken notes the hour in which a token was used.
	UsedAPIToken(ctx context.Context, id int64, now time.Time) error
}

// Asked is a request that shall be done once, however often it comes.
type Asked struct {
	Token int64
	Key   string // of the Idempotency-Key field
	Hash  string // of all that makes the request
}

// Answer is what a request was answered.
type Answer struct {
	Status   int // 0: it is being worked on
	Location string
	Type     string // of the body
	Body     string
}

// Faults of requests that were made before.
var (
	ErrOtherRequest = errors.New("the key was used for another request")
	ErrUnderWay     = errors.New("the same request is being worked on")
)

// Answers keeps what requests were answered.
type Answers interface {
	// BeginAnswer notes that a request is worked on from now; found says that it
	// was answered already, as told. ErrOtherRequest, and ErrUnderWay unless it
	// was begun before stale: then its process was killed.
	BeginAnswer(ctx context.Context, a Asked, now, stale time.Time) (was Answer, found bool, err error)
	// KeepAnswer stores the answer of a request that was begun; about is the key
	// of the person of whom it tells, who takes it along when erased.
	KeepAnswer(ctx context.Context, a Asked, answer Answer, about string) error
	// DropAnswer forgets a request that was begun and had no answer.
	DropAnswer(ctx context.Context, a Asked) error
	// ForgetAnswers forgets all that were begun before a time.
	ForgetAnswers(ctx context.Context, before time.Time) error
}

// Filter says which people are wanted: those for whom all holds that is set.
type Filter struct {
	List  string              // they have a subscription to it
	State string              // of that or, without List, of any subscription; or StateSuppressed
	Tag   string              // they have it, as it stands
	Where *segment.Expression // nil: no condition
	After int64               // their ids are greater
	Limit int                 // how many at most
	Now   time.Time           // from which days count
}

// StateSuppressed is the state, for a Filter, of people whose address is
// suppressed.
const StateSuppressed = "suppressed"

// Change says how a person's profile shall be, seeing how it is. It may be asked
// again.
type Change func(was audience.Person) (audience.Subscriber, error)

// People finds and changes people; see audience.Directory, audience.Importer and
// audience.Archive.
type People interface {
	Person(ctx context.Context, key string) (audience.Person, error)
	// People returns a page of people in the order of their ids.
	People(ctx context.Context, f Filter) ([]audience.Person, error)
	ImportChunk(ctx context.Context, in audience.Intake, rows []audience.Row, now time.Time) (audience.Result, error)
	Add(ctx context.Context, list string, row audience.Row, consent string, revive bool, now time.Time) (string, error)
	// ChangeProfile changes name, attributes and tags of the person with the key
	// and returns the person as it is then; nobody else changes it meanwhile.
	ChangeProfile(ctx context.Context, key string, change Change) (audience.Person, error)
	Leave(ctx context.Context, id int64, newsletter string, lists []string, why string, now time.Time) error
	LeaveList(ctx context.Context, id int64, list, why string, now time.Time) error
	LeaveAll(ctx context.Context, id int64, newsletters []string, why string, now time.Time) error
	Suppress(ctx context.Context, s audience.Suppression) error
	PersonHistory(ctx context.Context, key string) ([]audience.Entry, error)
	Forget(ctx context.Context, key string, now time.Time) error
}

// ListStates is a list with its people by state. Suppressed counts those of any
// state whose address gets no mail.
type ListStates struct {
	List                                      string
	Active, Pending, Unsubscribed, Suppressed int
}

// Lists counts the people of lists.
type Lists interface {
	// ListStates counts all lists that have people, in the order of their names.
	ListStates(ctx context.Context) ([]ListStates, error)
	// ListNames returns the names of all lists that have people, in their order.
	ListNames(ctx context.Context) ([]string, error)
}

// Imports stores imports and keeps their record.
type Imports interface {
	audience.ImportStore
	// ImportsBefore returns the newest entries whose numbers are less than before
	// (0: all), the newest first, without their rejects and flagged addresses.
	ImportsBefore(ctx context.Context, before int64, most int) ([]audience.ImportEntry, error)
}

// Segments counts whom a condition means.
type Segments interface {
	CountSegment(ctx context.Context, e *segment.Expression, list string, now time.Time) (int, error)
	// AnybodyIn says whether a condition means anybody.
	AnybodyIn(ctx context.Context, e *segment.Expression, now time.Time) (bool, error)
	// AttributeNames returns names of attributes that people have, maybe not all.
	AttributeNames(ctx context.Context) ([]string, error)
}

// Reports tells what became of editions; see newsroom.Room.
type Reports interface {
	Report(ctx context.Context, id string) (newsroom.Report, error)
	Reports(ctx context.Context, newsletter string, limit int) ([]newsroom.Report, error)
}
