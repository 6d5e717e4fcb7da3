package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"lede/compose"
	"lede/compose/lint"
	"lede/newsroom"
)

// editionFile is edition.json: the edition, and what there is beside one letter
// for all.
type editionFile struct {
	compose.Edition
	Variants []variantFile `json:"variants,omitempty"`
	Subjects []string      `json:"subjects,omitempty"` // of a test, as the reader sees them
}

// variantFile is one of an edition's variants.
type variantFile struct {
	Number  int      `json:"number"`
	Name    string   `json:"name"`    // for whom it is: "plan paid"
	Readers int      `json:"readers"` // who would get it now
	Subject string   `json:"subject"`
	Files   []string `json:"files"`
}

// variantFiles are the names of files of variants.
var variantFiles = regexp.MustCompile(`^edition\.variant-[0-9]+\.(html|txt|eml)$`)

// write writes the files that other programs read. Each is whole or not there;
// an edition without a letter, or with fewer variants, leaves no letter of an
// earlier run behind. Beside the letter of the reader stands each variant,
// filled in for that same reader.
func (h *house) write(ctx context.Context, n newsroom.Newsletter, p proof, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	findings := p.draft.Findings
	if findings == nil {
		findings = []lint.Finding{}
	}
	lints, err := jsonFile(findings)
	if err != nil {
		return err
	}
	files := map[string][]byte{"lint.json": lints, "edition.html": nil, "edition.txt": nil, "edition.eml": nil}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for files of an earlier run: %w", err)
	}
	for _, entry := range entries {
		if variantFiles.MatchString(entry.Name()) {
			files[entry.Name()] = nil
		}
	}
	listed, err := h.listed(ctx, n, p)
	if err != nil {
		return err
	}
	if p.message != nil {
		files["edition.html"], files["edition.txt"], files["edition.eml"] = []byte(p.html), []byte(p.text), p.eml
	}
	for i, variant := range listed.Variants {
		one, err := h.fill(ctx, n, p, wanted{as: p.as, variant: strconv.Itoa(i), subject: p.subject})
		if err != nil {
			return err
		}
		listed.Variants[i].Subject = one.message.Subject(one.reader)
		files[variant.Files[0]], files[variant.Files[1]], files[variant.Files[2]] = []byte(one.html), []byte(one.text), one.eml
	}
	if files["edition.json"], err = jsonFile(listed); err != nil {
		return err
	}
	for name, data := range files {
		if err := replaceFile(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	return nil
}

// listed is an edition with its variants and the subjects of its test.
func (h *house) listed(ctx context.Context, n newsroom.Newsletter, p proof) (editionFile, error) {
	out := editionFile{Edition: p.draft.Edition}
	v := p.draft.Variants
	if v == nil || p.message == nil {
		return out, nil
	}
	var err error
	if out.Subjects, err = h.subjects(ctx, n, p); err != nil || len(v.Letters) == 0 {
		return out, err
	}
	readers, err := h.store.VariantReach(ctx, n.Aim(newsroom.Order{}), v.Split, h.app.now())
	if err != nil {
		return out, err
	}
	for i, count := range readers {
		name := "edition.variant-" + strconv.Itoa(i)
		out.Variants = append(out.Variants, variantFile{
			Number: i, Name: v.Split.Name(i), Readers: count, Files: []string{name + ".html", name + ".txt", name + ".eml"},
		})
	}
	return out, nil
}

// subjects are those of a test as the proof's reader sees them.
func (h *house) subjects(ctx context.Context, n newsroom.Newsletter, p proof) ([]string, error) {
	var subjects []string
	for i := range p.draft.Variants.Subjects {
		one, err := h.fill(ctx, n, p, wanted{as: p.as, variant: strconv.Itoa(p.variant), subject: i + 1})
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, one.message.Subject(one.reader))
	}
	return subjects, nil
}
