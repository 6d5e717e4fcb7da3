package source

import (
	"bytes"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Shelf keeps story files as they were read, so that a reader who comes again
// after each save reads only what changed. It is safe for concurrent use; the
// zero Shelf is empty.
type Shelf struct {
	mu    sync.Mutex
	files map[string]shelved // by path and zone
}

type shelved struct {
	info  fs.FileInfo
	story Story
}

// Settled is how long before it was read a file must have changed last for its
// size and time to tell its content: file systems round times, and a file may
// change twice within such a step.
const Settled = 2 * time.Second

// maxShelved bounds what is kept: as many files as a folder may hold.
const maxShelved = maxFolderFiles

// Unchanged says whether a file is the one that was seen before, as it was.
func Unchanged(before, now fs.FileInfo) bool {
	return before != nil && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime()) && os.SameFile(before, now)
}

func (s *Shelf) take(key string, now fs.FileInfo) (Story, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.files[key]
	return kept.story, ok && Unchanged(kept.info, now)
}

func (s *Shelf) put(key string, info fs.FileInfo, story Story, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(info.ModTime()) < Settled {
		delete(s.files, key)
		return
	}
	if s.files == nil || len(s.files) >= maxShelved {
		s.files = map[string]shelved{}
	}
	s.files[key] = shelved{info, story}
}

// keeps says whether a story is all that its file says: with more pictures than
// one, or with one that is not there, it hangs on other files too.
func keeps(story Story, src []byte) bool {
	pictures := bytes.Count(src, []byte("![")) + bytes.Count(bytes.ToLower(src), []byte("<img"))
	return pictures == 0 || pictures == 1 && story.Image != nil
}
