package newsroom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lede/audience"
)

// FolderSource is a folder that files of people are put into.
type FolderSource struct {
	Folder string // absolute
	DoneTo string // where files are moved when they are imported, on the same disk; empty: they stay
	// Newest says that the newest file holds everybody, so that older ones are
	// passed over.
	Newest bool
	Settle time.Duration // a file is whole when it was not written to for so long
	Now    func() time.Time
	Memory ListMemory
}

// Where implements PeopleSource.
func (f *FolderSource) Where() string { return f.Folder }

// mostFiles is how many files a folder may hold.
const mostFiles = 10_000

// found is a file of a folder.
type found struct {
	name string
	info os.FileInfo
}

// Take implements PeopleSource. What is not a file of people, or begins with a
// dot, is passed over. While a file is still being written nothing is taken, so
// that files come in their order.
func (f *FolderSource) Take(ctx context.Context, list string, _ ListState, again bool) (taken []Catch, err error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			for _, c := range taken {
				err = errors.Join(err, c.Close())
			}
			taken = nil
		}
	}()
	for i, file := range files {
		if f.Newest && i < len(files)-1 {
			continue
		}
		if f.Now().Sub(file.info.ModTime()) < f.Settle {
			return taken, fmt.Errorf("%s: %w", file.name, ErrNotYet)
		}
		c, done, err := f.take(ctx, list, file)
		if err != nil {
			return taken, err
		}
		if done && !(again && i == len(files)-1) {
			if err := c.Close(); err != nil {
				return taken, err
			}
			continue
		}
		taken = append(taken, c)
	}
	if len(taken) > 1 && again {
		// The last was asked for only if there is nothing else.
		last := taken[len(taken)-1]
		done, err := f.Memory.FileTaken(ctx, list, last.File.Hash)
		if err != nil {
			return taken, err
		}
		if done {
			taken = taken[:len(taken)-1]
			return taken, last.Close()
		}
	}
	return taken, nil
}

// files are those that may hold people, the oldest first.
func (f *FolderSource) files() ([]found, error) {
	entries, err := os.ReadDir(f.Folder)
	if err != nil {
		return nil, err
	}
	if len(entries) > mostFiles {
		return nil, fmt.Errorf("%s holds more than %d files; move what is done away", f.Folder, mostFiles)
	}
	var all []found
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !audience.HoldsPeople(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			all = append(all, found{e.Name(), info})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	return all, nil
}

// take opens a file, and says whether it is done with already. ErrNotYet: it
// was written to meanwhile.
func (f *FolderSource) take(ctx context.Context, list string, file found) (Catch, bool, error) {
	if err := ctx.Err(); err != nil {
		return Catch{}, false, err
	}
	path := filepath.Join(f.Folder, file.name)
	opened, err := audience.OpenFile(path, file.name)
	if err != nil {
		return Catch{}, false, err
	}
	now, err := os.Stat(path)
	if err == nil && (now.Size() != file.info.Size() || !now.ModTime().Equal(file.info.ModTime())) {
		err = fmt.Errorf("%s: %w", file.name, ErrNotYet)
	}
	var done bool
	if err == nil {
		done, err = f.Memory.FileTaken(ctx, list, opened.Hash)
	}
	if err != nil {
		return Catch{}, false, errors.Join(err, opened.Close())
	}
	c := Catch{Name: file.name, File: opened, Close: opened.Close}
	c.Done = func(ctx context.Context) error {
		if err := f.Memory.NoteFile(ctx, list, opened.Hash, f.Now()); err != nil || f.DoneTo == "" {
			return err
		}
		return f.putAway(file.name)
	}
	return c, done, nil
}

// putAway moves a file that is done with, under its time where its name is
// taken.
func (f *FolderSource) putAway(name string) error {
	if err := os.MkdirAll(f.DoneTo, 0o700); err != nil {
		return err
	}
	to := filepath.Join(f.DoneTo, name)
	if _, err := os.Lstat(to); err == nil {
		to = filepath.Join(f.DoneTo, f.Now().UTC().Format("20060102T150405.000000Z ")+name)
	}
	return os.Rename(filepath.Join(f.Folder, name), to)
}

// spooled is a file of people that was fetched into a temporary one, which only
// its owner reads.
func spooled(name string, fill func(io.Writer) error) (*audience.Opened, func() error, error) {
	tmp, err := os.CreateTemp("", "lede-list-")
	if err != nil {
		return nil, nil, err
	}
	remove := func() error { return os.Remove(tmp.Name()) }
	err = fill(tmp)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	opened, err := audience.OpenFile(tmp.Name(), name)
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return opened, func() error { return errors.Join(opened.Close(), remove()) }, nil
}
