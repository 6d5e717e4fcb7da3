package audience

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// How much a folder or a zip archive may hold.
const (
	maxFiles    = 1000
	maxFileSize = 4 << 30 // unpacked
)

// endings are those of files that may hold people.
var endings = []string{".csv", ".tsv", ".txt", ".xlsx", ".json", ".jsonl", ".vcf"}

// Parts are the files of an export that people may be in: those of a folder, or
// of a zip archive (a zip.Reader is an fs.FS), at its top and one folder deep.
// Files that tell that somebody left come first. notes say what is passed over.
func Parts(files fs.FS) (parts []Part, notes []string, err error) {
	type found struct {
		Part
		told standing
	}
	var all []found
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.Count(name, "/") > 0 || strings.HasPrefix(d.Name(), ".") || d.Name() == "__MACOSX"):
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		case !slices.Contains(endings, strings.ToLower(path.Ext(name))):
			if !strings.EqualFold(path.Ext(name), ".zip") {
				notes = append(notes, name+" is passed over: it is no file of people")
			}
			return nil
		}
		if len(all) == maxFiles {
			return fmt.Errorf("more than %d files; import them one by one", maxFiles)
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if info.Size() > maxFileSize {
			return fmt.Errorf("%s is larger than %d GB", name, maxFileSize>>30)
		}
		_, told := nameTells(path.Base(name))
		all = append(all, found{Part{Name: name, Open: func() (io.ReadCloser, error) { return files.Open(name) }}, told})
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	all, passed := choose(all, func(f found) string { return path.Base(f.Name) })
	notes = append(notes, passed...)
	if len(all) == 0 {
		return nil, nil, errors.New("no file of people in it: a CSV, Excel, JSON or vCard file is wanted")
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Or(cmp.Compare(b.told, a.told), cmp.Compare(a.Name, b.Name)) })
	for _, f := range all {
		parts = append(parts, f.Part)
	}
	return parts, notes, nil
}

// choose leaves out what repeats or has no people: Sendy's file of all beside
// those of each state, and in Substack's archive all but the list of addresses.
func choose[T any](all []T, name func(T) string) (kept []T, notes []string) {
	is := func(test func(string) bool) bool {
		return slices.ContainsFunc(all, func(f T) bool { return test(strings.ToLower(name(f))) })
	}
	isList := func(n string) bool { return strings.HasPrefix(n, "email_list.") || strings.HasPrefix(n, "email_list-") }
	hasList, hasStates := is(isList), is(func(n string) bool { return sendyTells(n) })
	for _, f := range all {
		n := strings.ToLower(name(f))
		switch {
		case hasList && !isList(n) && !strings.HasPrefix(n, "subscribers"):
			notes = append(notes, name(f)+" is passed over: it is not the list of addresses")
		case hasStates && strings.HasSuffix(heading(strings.TrimSuffix(n, ".csv")), " all"):
			notes = append(notes, name(f)+" is passed over: the files of each state say more")
		default:
			kept = append(kept, f)
		}
	}
	return kept, notes
}

// HoldsPeople says of a file's name that it may be a file of people, or a zip
// archive of them.
func HoldsPeople(name string) bool {
	ending := strings.ToLower(path.Ext(name))
	return ending == ".zip" || slices.Contains(endings, ending)
}
