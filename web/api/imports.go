package api

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lede/audience"
)

// imported is an import as the API shows it.
type imported struct {
	ID       int64     `json:"id,omitzero"` // of a dry run none
	List     string    `json:"list"`
	File     string    `json:"file"`
	Hash     string    `json:"hash"`
	By       string    `json:"by"`
	State    string    `json:"state"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	audience.Result
	audience.Survey
	Error  string `json:"error,omitempty"`
	Undone string `json:"undone,omitempty"`
}

func importedOf(e audience.ImportEntry) imported {
	return imported{
		ID: e.ID, List: e.List, File: e.File, Hash: e.Hash, By: e.By, State: string(e.State), Started: e.Started.UTC(), Finished: e.Finished.UTC(),
		Result: e.Result, Survey: e.Survey, Error: e.Error, Undone: e.Undone,
	}
}

func listImports(c *call) (reply, error) {
	before, err := c.after()
	if err != nil {
		return reply{}, err
	}
	most, err := c.limit()
	if err != nil {
		return reply{}, err
	}
	entries, err := c.Imports.ImportsBefore(c.ctx, before, most+1)
	if err != nil {
		return reply{}, err
	}
	p, data := page{}, []imported{}
	for i, e := range entries {
		if i == most {
			p.Next = c.cursor(entries[i-1].ID)
			break
		}
		data = append(data, importedOf(e))
	}
	p.Data = data
	return reply{status: http.StatusOK, body: p}, nil
}

// importTypes are the types of a body that is imported, with what they say of it.
var importTypes = map[string]string{"text/csv": "", "application/jsonl": "jsonl", "application/x-ndjson": "jsonl"}

// makeImport imports the body.
func makeImport(c *call) (reply, error) {
	kind, err := c.contentType("text/csv", "application/jsonl", "application/x-ndjson")
	if err != nil {
		return reply{}, err
	}
	o := audience.ImportOptions{List: c.query.Get("list"), Name: c.query.Get("name"), Format: c.query.Get("format"), State: c.query.Get("state"), Now: c.Now, Survey: new(audience.Survey), Attributes: c.API.Attributes}
	known, err := c.knownList(o.List)
	switch dry := c.query.Get("dry_run"); {
	case err != nil:
		return reply{}, err
	case !known:
		return reply{}, wrong("list", "there is no such list")
	case dry != "" && dry != "true" && dry != "false":
		return reply{}, wrong("dry_run", "expected true or false")
	case o.Format != "" && !slices.Contains(audience.Formats(), o.Format):
		return reply{}, wrong("format", "expected one of "+strings.Join(audience.Formats(), ", "))
	case o.State != "" && audience.ParseState(o.State) != nil:
		return reply{}, wrong("state", "expected active, pending, unsubscribed, bounced or complained")
	case checkText(o.Name, maxTag) != nil || o.Name != "" && filepath.Base(o.Name) != o.Name:
		return reply{}, wrong("name", "expected the name of a file, without folders")
	default:
		o.DryRun = dry == "true"
	}
	for _, n := range c.Newsletters {
		if slices.Contains(n.Lists, o.List) {
			o.Newsletters = append(o.Newsletters, n.ID)
		}
	}
	if o.Name == "" {
		o.Name = c.way()
	}
	if o.Format == "" {
		o.Format = importTypes[kind]
	}
	opened, err := audience.OpenFile(c.file, o.Name)
	if _, ours := errors.AsType[*fs.PathError](err); ours {
		return reply{}, err
	}
	if err != nil {
		return reply{}, notImported(err)
	}
	defer opened.Close() // only read
	st := &watched{ImportStore: c.Imports}
	log := &audience.Logged{ImportStore: st, Entry: audience.ImportEntry{List: o.List, File: o.Name, Hash: opened.Hash, By: c.way()}, Now: c.Now}
	o.Store = log
	res, failed := audience.ImportFiles(c.ctx, opened.Parts, o)
	if failed != nil && st.failed == nil && c.ctx.Err() == nil {
		failed = notImported(failed)
	}
	if o.DryRun {
		if failed != nil {
			return reply{}, failed
		}
		entry := log.Entry
		entry.State, entry.Result, entry.Survey = "dry_run", res, *o.Survey
		return reply{status: http.StatusOK, body: importedOf(entry)}, nil
	}
	if err := log.End(c.ctx, res, o.Survey, failed); err != nil {
		return reply{}, err
	}
	if failed != nil {
		return reply{}, failed
	}
	if log.Entry.ID == 0 { // the file has no rows
		entry := log.Entry
		entry.State, entry.Survey = audience.ImportDone, *o.Survey
		return reply{status: http.StatusOK, body: importedOf(entry)}, nil
	}
	e, err := c.Imports.ImportByID(c.ctx, log.Entry.ID)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, location: prefix + "/imports/" + strconv.FormatInt(e.ID, 10), body: importedOf(e)}, nil
}

// notImported says why a file was not imported, or not all of it. The same file
// again does the rest.
func notImported(err error) error {
	return &problem{Status: http.StatusUnprocessableEntity, Code: "file", Detail: err.Error()}
}

// watched is a store of imports that remembers that it failed: then it was not
// the file.
type watched struct {
	audience.ImportStore
	failed error
}

// BeginImport implements audience.Imports.
func (s *watched) BeginImport(ctx context.Context, e audience.ImportEntry) (id int64, err error) {
	id, err = s.ImportStore.BeginImport(ctx, e)
	s.failed = errors.Join(s.failed, err)
	return id, err
}

// ImportChunk implements audience.Importer.
func (s *watched) ImportChunk(ctx context.Context, in audience.Intake, rows []audience.Row, now time.Time) (audience.Result, error) {
	res, err := s.ImportStore.ImportChunk(ctx, in, rows, now)
	s.failed = errors.Join(s.failed, err)
	return res, err
}

// ImportErased implements audience.Importer.
func (s *watched) ImportErased(ctx context.Context, in audience.Intake, hashes []audience.Erased, now time.Time) (int, error) {
	n, err := s.ImportStore.ImportErased(ctx, in, hashes, now)
	s.failed = errors.Join(s.failed, err)
	return n, err
}

func getImport(c *call) (reply, error) {
	id, err := c.id()
	if err != nil {
		return reply{}, err
	}
	e, err := c.Imports.ImportByID(c.ctx, id)
	return reply{status: http.StatusOK, body: importedOf(e)}, err
}

// undoImport puts back what an import changed.
func undoImport(c *call) (reply, error) {
	id, err := c.id()
	if err != nil {
		return reply{}, err
	}
	e, err := c.Imports.ImportByID(c.ctx, id)
	if err != nil {
		return reply{}, err
	}
	if e.State == audience.ImportUndone {
		return reply{}, conflict("undone", "the import is undone already")
	}
	done, err := c.Imports.UndoImport(c.ctx, id, c.way(), c.now)
	return reply{status: http.StatusOK, body: done}, err
}
