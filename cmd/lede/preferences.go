package main

import (
	"bytes"
	"context"
	"errors"

	"lede/audience"
	"lede/store"
)

// choices is the store as the page of preferences uses it.
type choices struct{ *store.Store }

// Document is what `lede subscribers export` prints of a person.
func (c choices) Document(ctx context.Context, id int64) ([]byte, error) {
	p, err := c.PersonByID(ctx, id)
	if err != nil {
		return nil, err
	}
	_, key, _, err := audience.ParseAddress(p.Address)
	if err != nil {
		return nil, err
	}
	kept, err := keptOf(ctx, c.Store, p.Address, key)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = printJSON(&out, kept)
	return out.Bytes(), err
}

// keptJSON is all that is kept of a person.
type keptJSON struct {
	personJSON
	History []historyJSON `json:"history"`
}

// keptOf collects all that is kept of a person.
func keptOf(ctx context.Context, st *store.Store, address, key string) (keptJSON, error) {
	person, err := personOf(ctx, st, address, key, 0)
	if err != nil {
		return keptJSON{}, err
	}
	entries, err := history(ctx, st, address, key)
	if err != nil && (person.Suppressed == "" || errors.Is(err, context.Canceled)) {
		return keptJSON{}, err
	}
	return keptJSON{person, append([]historyJSON{}, entries...)}, nil
}
