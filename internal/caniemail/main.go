// Command caniemail makes the compact table of what mail programs support,
// compose/lint/caniemail.txt, of the data that caniemail.com publishes under the
// MIT licence.
//
//	go run ./internal/caniemail FILE > compose/lint/caniemail.txt
//
// FILE is the site's /api/data.json, or the same file in the npm package
// "caniemail" (data/caniemail.json). Of each program the newest version tested is
// taken.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// limit is how much is read; the data of 2026 have 650 kB.
const limit = 16 << 20

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/caniemail FILE > compose/lint/caniemail.txt")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "caniemail:", err)
		os.Exit(1)
	}
}

func run(path string, to io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if len(data) > limit {
		return fmt.Errorf("%s: more than %d bytes", path, limit)
	}
	text, err := table(data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = to.Write(text)
	return err
}

// published is the part of the published data that the table is made of.
type published struct {
	Updated string `json:"last_update_date"`
	Names   struct {
		Family   map[string]string `json:"family"`
		Platform map[string]string `json:"platform"`
	} `json:"nicenames"`
	Features []struct {
		Slug  string                                `json:"slug"`
		Title string                                `json:"title"`
		Stats map[string]map[string]json.RawMessage `json:"stats"`
	} `json:"data"`
}

// fewest is in how many features a program must have been tested to have a
// column.
const fewest = 100

// table writes the data as text: a line a program, a line a feature with one
// letter a program: y, n, a (in part), u (unknown) or - (not tested).
func table(data []byte) ([]byte, error) {
	var p published
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("not the data of caniemail.com: %w", err)
	}
	if p.Updated == "" || len(p.Features) == 0 {
		return nil, errors.New("not the data of caniemail.com: no date or no features")
	}
	tested := map[string]int{}
	for _, f := range p.Features {
		for family, platforms := range f.Stats {
			for platform := range platforms {
				tested[family+"."+platform]++
			}
		}
	}
	var clients []string
	for client, n := range tested {
		if n >= fewest {
			clients = append(clients, client)
		}
	}
	slices.Sort(clients)

	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	fmt.Fprintf(w, "# What mail programs support, by https://www.caniemail.com, as of %s.\n", p.Updated[:min(10, len(p.Updated))])
	fmt.Fprintln(w, "# Copyright (c) 2019 HTeuMeuLeu, MIT licence (docs/dependencies.md).")
	fmt.Fprintln(w, "# Made by internal/caniemail; y supported, a in part, n not, u unknown, - not tested.")
	for _, client := range clients {
		family, platform, _ := strings.Cut(client, ".")
		fmt.Fprintf(w, "client\t%s\t%s, %s\n", client, name(p.Names.Family, family), name(p.Names.Platform, platform))
	}
	for _, f := range p.Features {
		letters := make([]byte, 0, len(clients))
		for _, client := range clients {
			family, platform, _ := strings.Cut(client, ".")
			letter, err := newest(f.Stats[family][platform])
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", f.Slug, client, err)
			}
			letters = append(letters, letter)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Slug, strings.Join(strings.Fields(f.Title), " "), letters)
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func name(names map[string]string, key string) string {
	if n := names[key]; n != "" {
		return n
	}
	return key
}

// newest is the verdict on the last version that was tested. The versions stand
// in the order in which they came out, which their numbers don't always show
// (2021, then 16.80), so the object is read token by token.
func newest(versions json.RawMessage) (byte, error) {
	if len(versions) == 0 {
		return '-', nil
	}
	tokens := json.NewDecoder(bytes.NewReader(versions))
	letter := byte('-')
	for i := 0; ; i++ {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) {
			return letter, nil
		}
		if err != nil {
			return 0, err
		}
		word, ok := token.(string)
		if !ok || i%2 == 1 { // a brace, or a version
			continue
		}
		if word == "" || !strings.ContainsRune("yanu", rune(word[0])) {
			return 0, fmt.Errorf("unknown verdict %q", word)
		}
		letter = word[0]
	}
}
