package web

import "strconv"

// links are the addresses of pages as another page writes them: relative, since
// base_url may have a path, and since the same pages stand in files.
type links struct {
	home  string // the way to the pages' root
	files bool   // the pages are files: a folder is named with its page
}

func (l links) page(path string) string {
	if l.files {
		path += "index.html"
	}
	return l.home + path
}

// Archive is the address of a newsletter's archive.
func (l links) Archive(newsletter string) string { return l.page("archive/" + newsletter + "/") }

func (l links) year(newsletter string, year int) string {
	return l.page("archive/" + newsletter + "/" + strconv.Itoa(year) + "/")
}

func (l links) edition(id string) string {
	if l.files {
		return l.page("e/" + id + "/")
	}
	return l.home + "e/" + id
}

func (l links) feed(newsletter, name string) string {
	return l.home + "archive/" + newsletter + "/" + name
}
