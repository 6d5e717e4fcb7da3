package audience

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/xuri/excelize/v2"
)

// workbook makes an Excel file of rows.
func workbook(t testing.TB, change func(*excelize.File), rows ...[]any) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(f)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// archive makes a zip archive.
func archive(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImportFormats(t *testing.T) {
	tests := []struct{ name, in, want, reasons string }{
		{"Excel", workbook(t, nil, []any{"E-Mail", "Name", "Status"}, []any{"ona@news.example", "Ona", "active"}, nil, []any{"bo@news.example", "Bo", "unsubscribed"}), "2 ona@news.example (Ona)\n", ""},
		{"Excel, short and long rows", workbook(t, nil, []any{"email", "name"}, []any{"ona@news.example"}, []any{"bo@news.example", "Bo", "x"}), "2 ona@news.example\n", "3: has 3 fields, not 2"},
		{"Excel, formulas and links", workbook(t, func(f *excelize.File) {
			_ = f.SetCellFormula("Sheet1", "B2", `=WEBSERVICE("http://127.0.0.1:9/"&A2)`)
			_ = f.SetCellFormula("Sheet1", "C2", `='[other.xlsx]Sheet1'!A1`)
			_ = f.SetCellHyperLink("Sheet1", "A2", "http://127.0.0.1:9/x", "External")
		}, []any{"email", "name", "n"}, []any{"ona@news.example", nil, 4}), "2 ona@news.example map[n:4]\n", ""},
		{"Excel, hidden sheet first", workbook(t, func(f *excelize.File) {
			_, _ = f.NewSheet("People")
			_ = f.SetSheetRow("People", "A1", &[]any{"email"})
			_ = f.SetSheetRow("People", "A2", &[]any{"bo@news.example"})
			f.SetActiveSheet(1)
			_ = f.SetSheetVisible("Sheet1", false)
		}, []any{"email"}, []any{"ona@news.example"}), "2 bo@news.example\n", ""},
		{"JSON", `[{"email": "ona@news.example", "name": "Ona", "age": 41, "vip": true, "gone": null, "fields": {"town": "Kiel", "deep": {"a": 1}}, "tags": ["x", "y, z"]}]`, `1 ona@news.example (Ona) map[age:41 deep:{"a":1} town:Kiel vip:true] ["x" "y, z"]` + "\n", ""},
		{"JSON in an object", "{\"count\": 2, \"members\": [\n{\"email\": \"ona@news.example\"},\n{\"email\": \"bo\"}\n]}", "2 ona@news.example\n", "3: address has no @"},
		{"JSON with other things", `["x", {"email": "ona@news.example"}, 4]`, "1 ona@news.example\n", "1: is no JSON object"},
		{"JSONL", "{\"email\": \"ona@news.example\"}\n{\"email\": \"bo@news.example\", \"town\": \"Kiel\"}\n", "1 ona@news.example\n2 bo@news.example map[town:Kiel]\n", ""},
		{"JSON with NUL", `[{"email": "ona@news.example", "name": "a\u0000b"}, {"email": "bo@news.example"}]`, "1 bo@news.example\n", "1: has a NUL character"},
		{"JSON, a status unknown", `[{"email": "ona@news.example", "status": "vip"}]`, "", "1: status: vip is not a state"},
		{"vCard 3", "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Brann;Ona;;;\r\nitem1.EMAIL;TYPE=INTERNET:ona@news.ex\r\n ample\r\nNOTE:a\\nb\\, c\r\nEND:VCARD\r\n", "1 ona@news.example (Ona Brann) map[note:a b, c]\n", ""},
		{"vCard 4, preferred", "BEGIN:VCARD\nVERSION:4.0\nFN:Ona Brann\nEMAIL:old@news.example\nEMAIL;PREF=1:ona@news.example\nCATEGORIES:x,y\nEND:VCARD\n", "1 ona@news.example (Ona Brann) map[other_email:old@news.example] [\"x\" \"y\"]\n", ""},
		{"vCard 2.1", "BEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Zo=C3=AB =\nBr=C3=A4ntz\nEMAIL:zoe@news.example\nEND:VCARD\n", "1 zoe@news.example (Zoë Bräntz)\n", ""},
		{"vCards, one without address, one cut off", "BEGIN:VCARD\nFN:Ona\nEND:VCARD\nBEGIN:VCARD\nEMAIL:bo@news.example\nEND:VCARD\nBEGIN:VCARD\nEMAIL:lu@news.example", "4 bo@news.example\n", "1: has no address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, _, reasons, err := importText(t, tt.in, ImportOptions{Name: "people"})
			if err != nil {
				t.Fatal(err)
			}
			if got := k.text(); got != tt.want {
				t.Errorf("got\n%swant\n%s%q", got, tt.want, reasons)
			}
			if got := strings.Join(reasons, "\n"); !strings.HasPrefix(got, tt.reasons) || tt.reasons == "" && got != "" {
				t.Errorf("rejected %q, want %q", got, tt.reasons)
			}
		})
	}
}

// Translated headings, another order, more columns.
func TestServicesInOtherShapes(t *testing.T) {
	tests := []struct{ name, in, want, left string }{
		{
			"Mailchimp, no heading for the address that is known",
			"Vorname,Kontakt,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,LEID,EUID,TAGS\nOna,ona@news.example,3,2024-03-01 09:30:00,192.0.2.1,,1,a,\"\"\"Harbour\"\",\"\"Says \"\"\"\"hi\"\"\"\"\"\"\"\n",
			"2 ona@news.example (Ona) map[member_rating:3] [\"Harbour\" \"Says \\\"hi\\\"\"]\n", "",
		},
		{
			"MailPoet in German",
			"\ufeff\"E-Mail\",\"Vorname\",\"Nachname\",\"Listenstatus\",\"Globaler Status\",\"Liste\"\n\"ona@news.example\",\"Ona\",\"\",\"subscribed\",\"inactive\",\"Tides\"\n\"bo@news.example\",\"Bo\",\"\",\"subscribed\",\"unsubscribed\",\"Tides\"\n\"lu@news.example\",\"\",\"\",\"unsubscribed\",\"unconfirmed\",\"Tides\"\n",
			"2 ona@news.example (Ona) map[liste:Tides]\n4 lu@news.example map[liste:Tides]\n", "bo@news.example",
		},
		{
			"phpList, the last heading translated, only some columns",
			"Email\tIs this subscriber confirmed\tIs this subscriber blacklisted\tListenmitgliedschaft\nona@news.example\t1\t0\tHarbour Letter; \nbo@news.example\t1\t0\tKeine Listen\nlu@news.example\t1\t1\tTides; \n",
			"2 ona@news.example [\"Harbour Letter\"]\n", "bo@news.example lu@news.example",
		},
		{
			"Ghost, turned round",
			"labels,subscribed_to_emails,stripe_customer_id,complimentary_plan,email,custom_fields.boat\n\"a,b\",true,,false,ona@news.example,Petrel\n,false,,false,bo@news.example,\n",
			"2 ona@news.example map[complimentary_plan:false custom_fields_boat:Petrel] [\"a\" \"b\"]\n", "bo@news.example",
		},
		{
			"MailerLite with more columns",
			"Subscriber,Name,Last name,Subscribed,Groups\nona@news.example,Ona,,2024-01-01 10:00:00,Tides; Harbour\n",
			"2 ona@news.example (Ona) [\"Tides\" \"Harbour\"]\n", "",
		},
		{
			"Substack, someone erased",
			"email,active_subscription,email_disabled\nx1@deletion-request.substack.com,false,false\nona@news.example,false,false\n",
			"3 ona@news.example map[active_subscription:false]\n", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, _, reasons, err := importText(t, tt.in, ImportOptions{Name: "people.csv"})
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, row := range k.left {
				left = append(left, row.Address)
			}
			if got := k.text(); got != tt.want || strings.Join(left, " ") != tt.left {
				t.Errorf("got\n%s%q\nwant\n%s%q; %q", got, left, tt.want, tt.left, reasons)
			}
		})
	}
}

// What is no honest file is an error, and stores nothing.
func TestImportRefusesBombs(t *testing.T) {
	t.Run("a million columns", func(t *testing.T) {
		_, _, _, err := importText(t, "email"+strings.Repeat(",", 999_999)+"\n", ImportOptions{Name: "x.csv"})
		if err == nil || !strings.Contains(err.Error(), "has 1000000 columns; at most 200") {
			t.Error(err)
		}
	})
	t.Run("zeros in a zip", func(t *testing.T) {
		b := archive(t, "x.csv", strings.Repeat("\x00", 20<<20))
		r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		parts, _, err := Parts(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ImportFiles(t.Context(), parts, ImportOptions{Store: &keeper{}})
		if err == nil || !strings.Contains(err.Error(), "not text") {
			t.Error(err)
		}
	})
	t.Run("an Excel file that unpacks to much", func(t *testing.T) {
		in := archive(t, "[Content_Types].xml", "<x/>", "xl/media/a.png", strings.Repeat("\x00", 40<<20))
		_, _, _, err := importText(t, string(in), ImportOptions{})
		if err == nil || !strings.Contains(err.Error(), "unpacks to more") {
			t.Error(err)
		}
	})
	t.Run("a JSON value without end", func(t *testing.T) {
		_, _, _, err := importText(t, `[{"email": "ona@news.example"}, {"email": "`+strings.Repeat("x", 8<<20), ImportOptions{})
		if err == nil || !strings.Contains(err.Error(), "longer than 1 MB") {
			t.Error(err)
		}
	})
	t.Run("a vCard line without end", func(t *testing.T) {
		_, _, _, err := importText(t, "BEGIN:VCARD\nNOTE:"+strings.Repeat("x", 3<<20), ImportOptions{})
		if err == nil || !strings.Contains(err.Error(), "line 2 is longer than 1 MB") {
			t.Error(err)
		}
	})
	t.Run("many files, one of them wrong", func(t *testing.T) {
		k := &keeper{}
		parts, _, err := Parts(fstest.MapFS{
			"a.csv": {Data: []byte("email\nona@news.example\n")}, "b.csv": {Data: []byte("Who,Where\nOna,Kiel\n")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ImportFiles(t.Context(), parts, ImportOptions{Store: k}); err == nil || !strings.HasPrefix(err.Error(), "b.csv: no column of addresses") || len(k.rows) > 0 {
			t.Errorf("%v, %d rows stored", err, len(k.rows))
		}
	})
	t.Run("an address of 5,000 characters, control characters", func(t *testing.T) {
		k, res, reasons, err := importText(t, "email,name\n"+strings.Repeat("a", 5000)+"@news.example,\nona@news.example,O\x1bna\nbo@news.example,Bo\n", ImportOptions{})
		if err != nil || res.Rejected != 2 || len(k.rows) != 1 {
			t.Errorf("%+v %q %v", res, reasons, err)
		}
	})
}

func TestParts(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{"x-active.csv", "x-unsubscribed.csv", "x-all.csv", ".hidden.csv", "logo.png", "__MACOSX/x.csv", "deep/er/x.csv"} {
		files[name] = &fstest.MapFile{Data: []byte("x")}
	}
	parts, notes, err := Parts(files)
	if err != nil || len(parts) != 2 || parts[0].Name != "x-unsubscribed.csv" || len(notes) != 2 {
		t.Errorf("%v %q %v", parts, notes, err)
	}
	if _, _, err := Parts(fstest.MapFS{"a.png": {}}); err == nil {
		t.Error("a folder without people")
	}
	parts, _, err = Parts(fstest.MapFS{"posts.csv": {}, "email_list.harbour.csv": {}, "posts/1.opens.csv": {}})
	if err != nil || len(parts) != 1 {
		t.Errorf("Substack: %v %v", parts, err)
	}
}

// Whatever the file says it is: no panic, and what is stored is clean.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{
		"BEGIN:VCARD\nVERSION:4.0\nFN:Ona\nEMAIL;PREF=1:ona@news.example\nEND:VCARD\n",
		"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:a=\n b=3D\nEMAIL:a@b.example\n",
		`[{"email": "ona@news.example", "tags": ["a", {"name": "b"}], "f": {"x": 1}}]`,
		"{\"email\": \"ona@news.example\"}\n{\"x\": 1}\n",
		`{"a": [], "people": [{"email": 1}]}`,
		"\xff\xfe{\x00}\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		k := &keeper{}
		res, err := Import(t.Context(), bytes.NewReader(in), ImportOptions{Store: k, Name: "people"})
		if err == nil && res.Rows != res.New+res.Updated+res.Unchanged+res.KeptOut+res.Rejected {
			t.Errorf("%+v", res)
		}
		for _, row := range append(k.rows, k.left...) {
			if _, key, _, err := ParseAddress(row.Address); err != nil || key != row.Key {
				t.Errorf("stored %+v: %v", row, err)
			}
			for key, value := range row.Attributes {
				if strings.ContainsAny(key+value+row.Name+row.Consent+row.Reason, "\r\n\x00\u2028") {
					t.Errorf("stored %+v", row)
				}
			}
		}
	})
}
