package audience

// seen holds who was in a file so far, in 8 bytes a person and a third more of
// room, and which attributes (a set of bits) the file had of each. A person is
// a hash of the key: two keys with one hash are as good as impossible, and would
// cost at most attributes.
type seen struct {
	slots []uint64 // 56 bits of the hash, 8 of the set's place; 0: free
	n     int
	sets  []uint64         // each once; the first place is not used
	place map[uint64]uint8 // of a set in sets
	rare  map[uint64]uint64
}

// inRare is the place of sets that found none: they are in rare.
const inRare = 255

func newSeen() *seen {
	return &seen{slots: make([]uint64, 1<<12), sets: make([]uint64, 1), place: make(map[uint64]uint8), rare: make(map[uint64]uint64)}
}

// add adds attributes to those that the file had of a person, and returns the
// ones from before; again says that the person was there.
func (s *seen) add(hash, attributes uint64) (had uint64, again bool) {
	if s.n >= len(s.slots)/4*3 {
		s.grow()
	}
	at := s.find(hash)
	if again = s.slots[at] != 0; again {
		had = s.set(hash, s.slots[at])
	} else {
		s.n++
	}
	if has := had | attributes; !again || has != had {
		s.slots[at] = hash&^0xff | uint64(s.placeOf(hash, has))
	}
	return had, again
}

// find returns the place of a person's slot, or of the free one for it.
func (s *seen) find(hash uint64) int {
	mask := len(s.slots) - 1
	at := int(hash>>8) & mask
	for s.slots[at] != 0 && s.slots[at]&^0xff != hash&^0xff {
		at = (at + 1) & mask
	}
	return at
}

// set returns the attributes that a slot says.
func (s *seen) set(hash, slot uint64) uint64 {
	if place := slot & 0xff; place != inRare {
		return s.sets[place]
	}
	return s.rare[hash&^0xff]
}

// placeOf returns where a person's set is found, never 0.
func (s *seen) placeOf(hash, set uint64) uint8 {
	if place, ok := s.place[set]; ok {
		return place
	}
	if len(s.sets) < inRare {
		s.place[set] = uint8(len(s.sets))
		s.sets = append(s.sets, set)
		return s.place[set]
	}
	s.rare[hash&^0xff] = set
	return inRare
}

func (s *seen) grow() {
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	for _, slot := range old {
		if slot != 0 {
			s.slots[s.find(slot)] = slot
		}
	}
}
