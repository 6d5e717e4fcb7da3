package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrSender says that another process delivers from the database.
type ErrSender struct {
	File string // base name of the database's file, or the database's address
	PID  int    // of the other process; 0 when it has not said
	Host string // its machine, where that may be another one
}

func (e ErrSender) Error() string {
	switch {
	case e.PID == 0:
		return "another lede is sending from " + e.File
	case e.Host != "":
		return fmt.Sprintf("another lede (pid %d on %s) is sending from %s", e.PID, e.Host, e.File)
	}
	return fmt.Sprintf("another lede (pid %d) is sending from %s", e.PID, e.File)
}

// sendersLock is the right of this process to deliver.
type sendersLock struct {
	// held says why nothing may be claimed at the moment.
	held func() error
	// taken is closed when the lock was lost for good; nil: that can't be.
	taken <-chan struct{}
	// release gives it back.
	release func()
}

// AcquireSender makes this process the one sender of the database, until
// release is called or the process ends in whatever way. While another one is,
// the error is an ErrSender.
//
// The context is ctx, ended too when the lock was lost to another process; its
// cause is an ErrSender then. On SQLite that can't happen. On PostgreSQL the
// lock is lost with the connection: until it is had again the ledger claims
// nothing.
func (s *Store) AcquireSender(ctx context.Context) (sending context.Context, release func(), err error) {
	lock, err := s.dialect.acquire(ctx)
	if err != nil {
		return nil, nil, s.explain(err)
	}
	s.sender.Store(lock)
	sending, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-lock.taken:
			cancel(lock.held())
		case <-sending.Done():
		}
	}()
	return sending, sync.OnceFunc(func() {
		cancel(nil)
		<-watched
		s.sender.CompareAndSwap(lock, nil)
		lock.release()
	}), nil
}

// lockFile is flock(2) on the database's path with ".lock" behind it; that file
// holds the sender's process id and stays.
func lockFile(file string) (*sendersLock, error) {
	// The same database under two names has one lock.
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		file = filepath.Join(dir, filepath.Base(file))
	}
	name := file + ".lock"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &FileError{File: name, What: "cannot be made: " + cause(err) + "; lede must be allowed to write in this folder", Err: err}
	}
	if err := flock(f); err != nil {
		defer func() { _ = f.Close() }()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrSender{File: filepath.Base(file), PID: senderPID(name)}
		}
		return nil, &FileError{File: name, What: "cannot be locked: " + cause(err), Err: err}
	}
	if err := writePID(f); err != nil {
		_ = f.Close()
		return nil, &FileError{File: name, What: "cannot be written: " + cause(err), Err: err}
	}
	return &sendersLock{
		held: func() error { return nil },
		release: func() {
			// The file stays: who removed it could take it from under a process
			// that is just locking it. Closing gives the lock back.
			_ = f.Truncate(0)
			_ = f.Close()
		},
	}, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// senderPID reads the process id, which a sender writes a moment after it has
// the lock.
func senderPID(name string) int {
	for range 20 {
		if b, err := os.ReadFile(name); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
				return pid
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0
}

// flock locks f for this process alone, or fails at once.
func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// lockFolder waits until no other process prepares a database in the folder.
// It leaves no file behind.
func lockFolder(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, &FileError{File: dir, What: "cannot be opened: " + cause(err), Err: err}
	}
	for {
		err := flock(f)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			_ = f.Close()
			return nil, &FileError{File: dir, What: "cannot be locked: " + cause(err), Err: err}
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("waiting for another lede to prepare its database in %s: %w", dir, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
