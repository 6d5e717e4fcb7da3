package main

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// arrivingPage URL FILE keeps what an address answers with, once it answers.
func arrivingPage(ts *testscript.TestScript, _ bool, args []string) {
	came := within(time.Minute, func() bool {
		res, err := http.Get(args[0])
		if err != nil {
			return false
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		return err == nil && res.StatusCode == http.StatusOK && os.WriteFile(ts.MkAbs(args[1]), data, 0o644) == nil
	})
	if !came {
		ts.Fatalf("nothing came at %s", args[0])
	}
}

var confirmationLink = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/c/[A-Za-z0-9_-]+`)

// followConfirmation MAIL METHOD asks for the confirmation link of a mail.
func followConfirmation(ts *testscript.TestScript, _ bool, args []string) {
	text, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader([]byte(ts.ReadFile(args[0])))))
	if link := confirmationLink.Find(text); link != nil {
		body := ""
		if args[1] == http.MethodPost {
			body = "confirm=yes" // as a form is sent; an empty one is not
		}
		fetchPage(ts, args[1], string(link), body)
		return
	}
	ts.Fatalf("%s has no confirmation link (%v)", args[0], err)
}
