package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	maxStoryBytes  = 2 << 20
	maxFolderDepth = 8
	maxFolderFiles = 10_000
)

// folder is a folder of story files while it is read.
type folder struct {
	root   *os.Root
	path   string // for messages
	zone   *time.Location
	now    time.Time
	settle time.Duration
	shelf  *Shelf
	files  int
	out    Reading
}

// readFolder reads the story files of a folder and of the folders in it.
func (g *Gatherer) readFolder(ctx context.Context, spec Spec, zone *time.Location) Reading {
	root, err := os.OpenRoot(spec.Folder)
	if err != nil {
		if info, statErr := os.Stat(spec.Folder); statErr == nil && !info.IsDir() {
			return Reading{Err: fmt.Errorf("%s: is not a folder", spec.Folder)}
		}
		return Reading{Err: fileError(spec.Folder, err)}
	}
	defer root.Close()
	f := &folder{root: root, path: spec.Folder, zone: zone, now: g.now(), settle: g.Settle, shelf: g.Shelf}
	if err := f.walk(ctx, ".", 0); err != nil {
		return Reading{Err: err}
	}
	return f.out
}

func (f *folder) walk(ctx context.Context, dir string, depth int) error {
	entries, err := fs.ReadDir(f.root.FS(), dir)
	if err != nil {
		return fileError(f.shown(dir), err)
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", f.path, context.Cause(ctx))
		}
		if f.files++; f.files > maxFolderFiles {
			return fmt.Errorf("%s: holds more than %d files", f.path, maxFolderFiles)
		}
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_") {
				continue
			}
			if depth == maxFolderDepth {
				f.pass(name, "", fmt.Sprintf("folders are read %d deep", maxFolderDepth))
				continue
			}
			if err := f.walk(ctx, name, depth+1); err != nil {
				// A folder that cannot be read takes none of the others along.
				f.pass(name, "", err.Error())
			}
		case notAStory(e.Name()) != "":
			f.pass(name, "", notAStory(e.Name()))
		case isStoryFile(e.Name()):
			f.file(name)
		}
	}
	return nil
}

// file reads one story file.
func (f *folder) file(name string) {
	if story, ok := f.shelved(name); ok {
		f.out.Stories = append(f.out.Stories, story)
		return
	}
	body, info, why := f.readFile(name)
	if why != "" {
		f.pass(name, "", why)
		return
	}
	story, err := f.story(name, body, info.ModTime())
	if err == nil && f.shelf != nil && keeps(story, body) {
		f.shelf.put(f.key(name), info, story, f.now)
	}
	switch {
	case errors.Is(err, errDraft):
		f.pass(name, story.Title, "draft")
	case err != nil:
		f.pass(name, story.Title, err.Error())
	default:
		f.out.Stories = append(f.out.Stories, story)
	}
}

// shelved is a story as it was read before, if its file is still the same and
// its picture still there.
func (f *folder) shelved(name string) (Story, bool) {
	if f.shelf == nil {
		return Story{}, false
	}
	info, err := f.root.Stat(filepath.FromSlash(name))
	if err != nil {
		return Story{}, false
	}
	story, ok := f.shelf.take(f.key(name), info)
	if !ok || story.Image != nil && story.Image.Path != "" && f.pictureExists(story.Image.Path) != nil {
		return Story{}, false
	}
	return story, true
}

// key is under what a file of the folder is shelved.
func (f *folder) key(name string) string { return f.zone.String() + "\x00" + f.shown(name) }

// readFile reads a file of the folder; why says why it is passed over.
func (f *folder) readFile(name string) (body []byte, info fs.FileInfo, why string) {
	local := filepath.FromSlash(name)
	info, err := f.root.Stat(local)
	if err != nil {
		if link, lerr := f.root.Lstat(local); lerr == nil && link.Mode()&fs.ModeSymlink != 0 {
			return nil, nil, "is a link that leads out of the folder or nowhere"
		}
		return nil, nil, fileError(f.shown(name), err).Error()
	}
	switch {
	case info.IsDir():
		return nil, nil, "is a link to a folder, and these are not followed"
	case !info.Mode().IsRegular():
		return nil, nil, "is not a file"
	}
	if age := f.now.Sub(info.ModTime()); f.settle > 0 && age < f.settle && age > -f.settle {
		return nil, nil, fmt.Sprintf("changed %d s ago, perhaps still being saved", max(0, int(age.Seconds())))
	}
	file, err := f.root.OpenFile(local, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fileError(f.shown(name), err).Error()
	}
	defer file.Close()
	body, err = readOpen(file, f.shown(name), maxStoryBytes)
	if err != nil {
		return nil, nil, err.Error()
	}
	return body, info, ""
}

func (f *folder) pass(name, title, why string) {
	f.out.Passed = append(f.out.Passed, Passed{Title: firstOf(title, path.Base(name)), File: f.shown(name), Why: fold(why)})
}

func (f *folder) shown(name string) string {
	return filepath.Join(f.path, filepath.FromSlash(name))
}

func isStoryFile(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown":
		return true
	}
	return false
}

var (
	backups = regexp.MustCompile(`(?i)\.(?:md|markdown)(?:~|\.(?:bak|backup|old|orig|save|tmp|temp|part|swp|swo|swx|autosave|crdownload|___jb_\w+___)~?|\.~\d+~)$|^#.*#$|^~.*\.(?:md|markdown)$|^4913$`)
	// Dropbox, Nextcloud and ownCloud, Syncthing, Resilio, and others by their
	// words. A plain "(1)" may be an editor's own name.
	conflicts = regexp.MustCompile(`(?i)conflicted copy|\.sync-conflict-|_conflict-\d{8}|\(case conflict|\.conflict(?:ed)?\.|in konflikt stehende kopie|copie en conflit|copia en conflicto|copia in conflitto|cópia em conflito`)
)

// notAStory says why a file whose name looks like a story's is passed over;
// files that have nothing to do with stories are not worth a word.
func notAStory(name string) string {
	story := strings.Contains(strings.ToLower(name), ".md") || strings.Contains(strings.ToLower(name), ".markdown")
	switch {
	case name == "4913", story && backups.MatchString(name):
		return "an editor's backup or scratch file"
	case story && conflicts.MatchString(name):
		return "a conflict copy left by a file sync; merge it into the story and delete it"
	case story && strings.HasPrefix(name, "."):
		return "a hidden file"
	}
	return ""
}
