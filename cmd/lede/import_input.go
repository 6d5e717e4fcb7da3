package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"lede/audience"
	"lede/store"
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
	all := sha256.New()
	for _, part := range in.parts {
		f, err := part.Open()
		if err != nil {
			return err
		}
		sum, err := hashOf(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		fmt.Fprintf(all, "%s %s\n", sum, part.Name)
	}
	in.hash = hex.EncodeToString(all.Sum(nil))
	return nil
}

// file takes one file, or what is in it if it is a zip archive of files.
func (in *importInput) file(info os.FileInfo) error {
	f, err := os.Open(in.path)
	if err != nil {
		return err
	}
	var start [4096]byte
	n, err := io.ReadFull(f, start[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Join(err, f.Close())
	}
	open := func() (io.ReadCloser, error) { return os.Open(in.path) }
	if !info.Mode().IsRegular() {
		// A pipe can't be read again.
		whole := io.MultiReader(bytes.NewReader(start[:n]), f)
		in.closes = append(in.closes, f.Close)
		in.parts = []audience.Part{{Name: in.name, Open: func() (io.ReadCloser, error) { return io.NopCloser(whole), nil }, Once: true}}
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	in.hash, err = hashOf(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if !bytes.HasPrefix(start[:n], []byte("PK\x03\x04")) && !bytes.HasPrefix(start[:n], []byte("PK\x05\x06")) {
		in.size = info.Size()
		in.parts = []audience.Part{{Name: in.name, Open: open}}
		return nil
	}
	archive, err := zip.OpenReader(in.path)
	if err != nil {
		return fmt.Errorf("%s: the archive can't be read: %w", in.name, err)
	}
	in.closes = append(in.closes, archive.Close)
	for _, f := range archive.File {
		if f.Name == "xl/workbook.xml" || f.Name == "[Content_Types].xml" {
			in.parts = []audience.Part{{Name: in.name, Open: open}} // an Excel file
			return nil
		}
		if f.Flags&1 != 0 {
			return fmt.Errorf("%s: the archive has a password; unpack it first", in.name)
		}
	}
	if in.parts, in.notes, err = audience.Parts(archive); err != nil {
		return fmt.Errorf("%s: %w", in.name, err)
	}
	return nil
}

func hashOf(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}

// importLog is the store as an import sees it: the first rows that are stored
// open the import's entry, so that a file that can't be read leaves none.
type importLog struct {
	*store.Store
	entry audience.ImportEntry
	now   func() time.Time
}

func (l *importLog) begin(ctx context.Context) error {
	if l.entry.ID != 0 {
		return nil
	}
	l.entry.Started = l.now()
	id, err := l.BeginImport(ctx, l.entry)
	l.entry.ID = id
	return err
}

// ImportChunk implements audience.Importer.
func (l *importLog) ImportChunk(ctx context.Context, in audience.Intake, rows []audience.Row, now time.Time) (audience.Result, error) {
	if !in.DryRun {
		if err := l.begin(ctx); err != nil {
			return audience.Result{}, err
		}
		in.Entry = l.entry.ID
	}
	return l.Store.ImportChunk(ctx, in, rows, now)
}

// ImportErased implements audience.Importer.
func (l *importLog) ImportErased(ctx context.Context, in audience.Intake, hashes []audience.Erased, now time.Time) (int, error) {
	if !in.DryRun {
		if err := l.begin(ctx); err != nil {
			return 0, err
		}
	}
	return l.Store.ImportErased(ctx, in, hashes, now)
}

// end closes the entry. An import that was stopped is noted too.
func (l *importLog) end(ctx context.Context, res audience.Result, survey *audience.Survey, failed error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if l.entry.ID == 0 {
		if failed != nil || res.Rows == 0 {
			return nil
		}
		if err := l.begin(ctx); err != nil {
			return err
		}
	}
	e := l.entry
	e.State, e.Finished, e.Result, e.Survey = audience.ImportDone, l.now(), res, *survey
	if failed != nil {
		e.State, e.Error = audience.ImportFailed, failed.Error()
	}
	return l.EndImport(ctx, e)
}
