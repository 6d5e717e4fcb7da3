package compose

import "lede/source"

// Changed says which of the stories that an edition used up read otherwise at
// their source by now, and which are gone from it: for those of a story folder
// that means that they were taken back; a feed lets old ones go and is not
// asked (folder names the sources that are folders). Sources that could not be read say nothing. in is as for Assemble, with
// the memory of what ran without that edition.
func Changed(r Recipe, in Input, uses []Used, folder map[string]bool) (changed, gone []Used) {
	in.Only, in.Edits = nil, nil
	read := map[string]bool{}
	for _, reading := range in.Readings {
		read[reading.Source] = reading.Err == nil
	}
	for _, u := range uses {
		in.Only = append(in.Only, u.Source+"\x00"+u.Key)
	}
	if len(in.Only) == 0 {
		return nil, nil
	}
	a := newAssembly(r, in)
	a.gather()
	now := map[string]*candidate{}
	for _, c := range a.offered {
		now[c.id()] = c
	}
	for _, u := range uses {
		c := now[StoryID(u.Source, u.Key)]
		switch {
		case !read[u.Source]:
		case c != nil && (oneLine(c.Title) != u.Title || c.memo() != u.Text):
			changed = append(changed, u)
		case c == nil && folder[u.Source]:
			gone = append(gone, u)
		}
	}
	return changed, gone
}

// Corrects lists the stories (as Input.Only names them) that correct an edition:
// those of kind correction that name it by its id or the beginning of it.
func Corrects(readings []source.Reading, names func(id string) bool) []string {
	var keys []string
	for _, reading := range readings {
		for _, s := range reading.Stories {
			if s.Kind == source.KindCorrection && s.Corrects != "" && names(s.Corrects) {
				keys = append(keys, reading.Source+"\x00"+s.Key)
			}
		}
	}
	return keys
}
