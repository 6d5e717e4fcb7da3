package lint

import "fmt"

// How many bytes a mail may have. Every recipient gets all of them: 300 kB to
// 10,000 people are 3 GB through the relay. Postfix takes 10,240,000 bytes as
// it comes.
const (
	heavyMail   = 300 << 10
	tooHeavy    = 10_000_000
	aboutHeader = 4 << 10 // of a mail, about
)

// mailSize judges what one mail weighs with the pictures that it carries.
func mailSize(in letter) []Finding {
	size := int64(len(in.letter.HTML)+len(in.letter.Text)) + aboutHeader
	var carried int64
	if in.mail != nil {
		size = int64(len(in.mail.Raw))
		for _, n := range in.mail.Pictures {
			carried += n
		}
	} else if in.facts.Carried {
		for _, n := range in.facts.Pictures {
			carried += n
		}
		size += carried * 78 / 57 // base64 in lines of 76
	}
	f := Finding{
		Rule: "mail-size", Place: "mail", Clients: "all",
		Message: fmt.Sprintf("One mail has about %d kB, %d kB of it pictures; each recipient gets all of it.", size>>10, carried>>10),
		Remedy:  "Link pictures instead of attaching them (`pictures: link`), or take smaller ones.",
	}
	switch {
	case size >= tooHeavy:
		f.Severity = Error
		f.Message += " Many servers take 10 MB at most."
	case size < heavyMail:
		return nil
	}
	return []Finding{f}
}

// pictureMissing says that the lead stands without its picture.
func pictureMissing(in letter) []Finding {
	if in.facts.NoPicture == "" {
		return nil
	}
	return []Finding{{
		Rule: "picture-missing", Place: "Lead picture", Clients: "all",
		Message: "The lead's picture was left out: " + cut(in.facts.NoPicture, 200) + ".",
		Remedy:  "See that its address or file is a JPEG, PNG, GIF or WebP picture of at most 20 MB.",
	}}
}
