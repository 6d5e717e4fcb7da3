package compose

import (
	"cmp"

	"lede/source"
)

// The kinds of section.
const (
	sectionBriefs      = "briefs"      // headlines with teasers
	sectionHeadlines   = "headlines"   // headlines alone
	sectionLinks       = "links"       // headlines as links in one paragraph: "also today"
	sectionQuotation   = "quotation"   // what somebody said
	sectionNumbers     = "numbers"     // figures and what they mean
	sectionEvents      = "events"      // dates
	sectionSponsor     = "sponsor"     // paid for, and marked so
	sectionNote        = "note"        // the editor's own words
	sectionCorrections = "corrections" // what was wrong; above all else, with a section of its own or without
	sectionArchive     = "archive"     // what an edition some time ago told
	sectionMostRead    = "most_read"   // a source in its own order, whatever ran before
)

// ArchiveKind is the kind of section for which Input.Earlier is gathered.
const ArchiveKind = sectionArchive

// SectionKinds lists the kinds of section.
func SectionKinds() []string {
	return []string{
		sectionBriefs, sectionHeadlines, sectionLinks, sectionQuotation, sectionNumbers, sectionEvents,
		sectionSponsor, sectionNote, sectionCorrections, sectionArchive, sectionMostRead,
	}
}

// sectionKind is the kind of section in which a story may stand, briefs for all
// that takes ordinary stories. Sponsors, events and the like stand only in
// their own; what a source labels as sponsored only among the sponsors.
func (c *candidate) sectionKind() string {
	switch {
	case c.isSponsored():
		return sectionSponsor
	case c.Kind == source.KindEvent:
		return sectionEvents
	case c.Kind == source.KindNote:
		return sectionNote
	case c.Kind == source.KindQuotation:
		return sectionQuotation
	case c.Kind == source.KindNumber:
		return sectionNumbers
	case c.Kind == source.KindCorrection:
		return sectionCorrections
	}
	return sectionBriefs
}

func (s SectionRule) kind() string { return cmp.Or(s.Kind, sectionBriefs) }

// holds is the kind of story that a section takes, as sectionKind names it;
// empty for one that takes nothing of what is news.
func (s SectionRule) holds() string {
	switch kind := s.kind(); kind {
	case sectionHeadlines, sectionLinks:
		return sectionBriefs
	case sectionArchive, sectionMostRead:
		return ""
	default:
		return kind
	}
}

// tellsNews says that the headlines of such a section are the edition's news.
func tellsNews(kind string) bool { return SectionRule{Kind: kind}.holds() == sectionBriefs }
