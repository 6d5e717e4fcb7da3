package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lede/audience"
)

// importInput is what is imported: a file, the files of a folder or of a zip
// archive, or standard input, which is kept in a temporary file.
type importInput struct {
	name   string // for messages
	path   string // of a file; empty for a folder
	size   int64  // of one file, -1 where it isn't known
	hash   string // SHA-256, in hexadecimal
	parts  []audience.Part
	notes  []string // what is passed over
	closes []func() error
}

func (in *importInput) close() {
	for _, f := range in.closes {
		_ = f() // only read, or a temporary file
	}
}

// openImport opens what is to be imported.
func (a *app) openImport(file string) (*importInput, error) {
	in := &importInput{name: filepath.Base(file), path: file, size: -1}
	if file == "-" {
		if err := in.spool(a.stdin); err != nil {
			in.close()
			return nil, err
		}
	}
	info, err := os.Stat(in.path)
	switch {
	case err != nil:
	case info.IsDir():
		err = in.folder(file)
	default:
		err = in.file(info)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// spool writes standard input to a temporary file: it is read more than once.
func (in *importInput) spool(stdin io.Reader) error {
	f, err := os.CreateTemp("", "lede-import-")
	if err != nil {
		return err
	}
	in.name, in.path = "standard input", f.Name()
	in.closes = append(in.closes, func() error { return os.Remove(f.Name()) })
	_, err = io.Copy(f, stdin)
	return errors.Join(err, f.Close())
}

// folder takes the files of a folder. Its hash is that of their hashes.
func (in *importInput) folder(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	in.closes = append(in.closes, root.Close)
	in.path = ""
	if abs, err := filepath.Abs(dir); err == nil {
		in.name = filepath.Base(abs)
	}
	if in.parts, in.notes, err = audience.Parts(root.FS()); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	in.hash, err = in.sum()
	return err
}

// file takes one file, or what is in it if it is a zip archive of files.
func (in *importInput) file(info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		// A pipe can't be read again.
		f, err := os.Open(in.path)
		if err != nil {
			return err
		}
		in.closes = append(in.closes, f.Close)
		in.parts = []audience.Part{{Name: in.name, Open: func() (io.ReadCloser, error) { return f, nil }, Once: true}}
		return nil
	}
	opened, err := audience.OpenFile(in.path, in.name)
	if err != nil {
		return err
	}
	in.closes = append(in.closes, opened.Close)
	in.hash, in.parts, in.notes = opened.Hash, opened.Parts, opened.Notes
	if !opened.Archive {
		in.size = opened.Size
	}
	return nil
}

func hashOf(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}

// unchanged says whether what is imported is still what was opened.
func (in *importInput) unchanged() (bool, error) {
	sum, err := in.sum()
	return err == nil && sum == in.hash, err
}

// sum is the SHA-256 of a file, or of the names and hashes of a folder's files.
func (in *importInput) sum() (string, error) {
	if in.path != "" {
		f, err := os.Open(in.path)
		if err != nil {
			return "", err
		}
		sum, err := hashOf(f)
		return sum, errors.Join(err, f.Close())
	}
	all := sha256.New()
	for _, part := range in.parts {
		f, err := part.Open()
		if err != nil {
			return "", err
		}
		sum, err := hashOf(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%s %s\n", sum, part.Name)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
