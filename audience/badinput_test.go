package audience

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
)

// However one person's address is written, it is one person; what no server
// would take, or what only looks like it, is rejected and says why.
func TestTwelveSpellings(t *testing.T) {
	k, res, reasons, err := importText(t, strings.Join([]string{
		"email",
		"ines@bücher.example",
		"INES@bücher.example",
		"Ines@BÜCHER.Example",
		" ines@bücher.example ",
		"<ines@bücher.example>",
		"mailto:ines@bücher.example",
		`"Ines <ines@bücher.example>"`,
		"ines@xn--bcher-kva.example",
		"ines@XN--BCHER-KVA.example",
		"ines@bu\u0308cher.example",
		"ines@bücher\u3002example",
		"ines@ｂücher.example",
		"ines@bücher.example.",
		"ines@bücher.example\u200b",
		"\uff49nes@bücher.example",
		`"""ines""@bücher.example"`,
	}, "\n")+"\n", ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := k.text(); got != "2 ines@bücher.example (Ines)\n" || res.New != 1 || res.Unchanged != 11 {
		t.Errorf("got %s%+v", got, res)
	}
	if want := []string{
		"14: address has a dot at an end of its domain", "15: address has an invisible character (U+200B)",
		"16: address has look-alike characters before the @", "17: address has a quoted part, which hardly any server takes",
	}; !slices.EqualFunc(reasons, want, strings.HasPrefix) {
		t.Errorf("rejected %q, want %q", reasons, want)
	}
}

// Files that are put together wrongly: what can be told apart is taken, the rest
// is named with its line, and nothing is guessed.
func TestBadlyMadeFiles(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		reasons        []string
	}{
		{"headings again", "email,name\nona@news.example,Ona\nemail,name\nbo@news.example,Bo\n", "2 ona@news.example (Ona)\n4 bo@news.example (Bo)\n", []string{"3: address has no @"}},
		{"three delimiters", "email,name\nona@news.example,Ona\nbo@news.example;Bo\nlu@news.example\tLu\n", "2 ona@news.example (Ona)\n", []string{"3: has 1 field, not 2", "4: has 1 field, not 2"}},
		{"two encodings", "email,name\nona@news.example,Zo\xc3\xab\nbo@news.example,Zo\xeb\n", "2 ona@news.example (Zoë)\n", []string{"3: is not valid UTF-8"}},
		{"a row of a million columns", "email,name\nona@news.example" + strings.Repeat(",a", 1_000_000) + "\nbo@news.example,Bo\n", "3 bo@news.example (Bo)\n", []string{"2: is longer than 1 MB"}},
		{"a bell and an escape", "email,name\nona@news.example,O\x07na\nbo@news.example,B\x1b[31mo\n", "", []string{"2: has a name with a line break or control character (U+0007)", "3: has a name with a line break or control character (U+001B)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _, reasons, err := importText(t, c.in, ImportOptions{})
			if err != nil || k.text() != c.want || !slices.EqualFunc(reasons, c.reasons, strings.HasPrefix) {
				t.Errorf("got %q, rejected %q, %v; want %q, %q", k.text(), reasons, err, c.want, c.reasons)
			}
		})
	}
	for _, c := range []struct{ name, in, reason string }{
		{"a title above the headings", "People of Port Averne\nemail,name\nona@news.example,Ona\n", `no column of addresses among "People of Port Averne"`},
		{"UTF-32", "\xff\xfe\x00\x00e\x00\x00\x00m\x00\x00\x00a\x00\x00\x00i\x00\x00\x00l\x00\x00\x00\n\x00\x00\x00", "line 1 has a NUL byte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _, _, err := importText(t, c.in, ImportOptions{})
			if err == nil || !strings.Contains(err.Error(), c.reason) || len(k.rows) > 0 {
				t.Errorf("%v, want %q; stored %q", err, c.reason, k.text())
			}
		})
	}
}

// zipOf is a zip archive of one file whose directory says that it unpacks to so
// many bytes, whatever it does.
func zipOf(t *testing.T, content io.Reader, says uint64) *zip.Reader {
	t.Helper()
	var deflated, out bytes.Buffer
	sum := crc32.NewIEEE()
	fw, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.MultiWriter(fw, sum), content); err != nil {
		t.Fatal(err)
	}
	if err := fw.Close(); err != nil {
		t.Fatal(err)
	}
	zw := zip.NewWriter(&out)
	w, err := zw.CreateRaw(&zip.FileHeader{
		Name: "people.csv", Method: zip.Deflate, CRC32: sum.Sum32(), CompressedSize64: uint64(deflated.Len()), UncompressedSize64: says,
	})
	if err == nil {
		_, err = w.Write(deflated.Bytes())
	}
	if err == nil {
		err = zw.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A zip that says how much it unpacks to is refused by that, before anything of
// it is read; one that lies is found out, and nothing of it is stored.
func TestZipsOfTenGigabytes(t *testing.T) {
	const people = "email\nona@news.example\n"
	for _, c := range []struct {
		name   string
		zip    *zip.Reader
		reason string
	}{
		{"ten gigabytes of zeros", zipOf(t, strings.NewReader(""), 10<<30), "people.csv is larger than 4 GB"},
		{"more than it says", zipOf(t, strings.NewReader(people+strings.Repeat("\x00", 1<<20)), uint64(len(people))), "people.csv: "},
		{"less than it says", zipOf(t, strings.NewReader(people), 1<<30), "people.csv: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &keeper{}
			parts, _, err := Parts(c.zip)
			if err == nil {
				_, err = ImportFiles(t.Context(), parts, ImportOptions{Store: k})
			}
			if err == nil || !strings.Contains(err.Error(), c.reason) || len(k.rows) > 0 {
				t.Errorf("%v, want %q; %d rows stored", err, c.reason, len(k.rows))
			}
		})
	}
}
