package newsroom

import "time"

// Published is an edition that somebody got, as an archive lists it.
type Published struct {
	ID         string
	Newsletter string
	Slot       time.Time // UTC
	Stored     time.Time // when the letter was made; it does not change from then on
	Subject    string    // as it is read, nobody's name in it
	Preheader  string
}

// Extent is how many editions were published in a time, and from when to when.
type Extent struct {
	Count       int
	First, Last time.Time // slots, UTC; zero when there is none
}
