package audience

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Opened is a file of people, or what is in it if it is a zip archive of files.
type Opened struct {
	Path    string
	Hash    string // SHA-256, in hexadecimal
	Size    int64
	Archive bool // its parts are the files in it
	Parts   []Part
	Notes   []string // what of an archive is passed over

	archive *zip.ReadCloser
}

// OpenFile opens a regular file for an import; name is for messages and consent
// records. The caller closes it.
func OpenFile(path, name string) (*Opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var start [4]byte
	n, err := io.ReadFull(f, start[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	h := sha256.New()
	o := &Opened{Path: path}
	if o.Size, err = io.Copy(h, f); err != nil {
		return nil, err
	}
	o.Hash = hex.EncodeToString(h.Sum(nil))
	o.Parts = []Part{{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(path) }}}
	if !bytes.Equal(start[:n], []byte("PK\x03\x04")) && !bytes.Equal(start[:n], []byte("PK\x05\x06")) {
		return o, nil
	}
	if err := o.unpack(name); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// unpack takes the files of a zip archive as parts, unless it is an Excel file.
func (o *Opened) unpack(name string) (err error) {
	if o.archive, err = zip.OpenReader(o.Path); err != nil {
		return fmt.Errorf("%s: the archive can't be read: %w", name, err)
	}
	for _, f := range o.archive.File {
		if f.Name == "xl/workbook.xml" || f.Name == "[Content_Types].xml" {
			return nil
		}
		if f.Flags&1 != 0 {
			return fmt.Errorf("%s: the archive has a password; unpack it first", name)
		}
	}
	o.Archive = true
	if o.Parts, o.Notes, err = Parts(o.archive); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Unchanged says whether the file is still what was opened.
func (o *Opened) Unchanged() (bool, error) {
	f, err := os.Open(o.Path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == o.Hash, err
}

// Close closes the archive, if it is one.
func (o *Opened) Close() error {
	if o.archive == nil {
		return nil
	}
	return o.archive.Close()
}
