// Package browsertest opens pages in a real Chromium, for tests of what only a
// browser knows: policies that bite, widths that overflow, schemes, keys.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Browser is a browser with one tab, for the length of a test. Each method
// fails the test when it does not work.
type Browser struct {
	t   *testing.T
	ctx context.Context
}

// Open starts a browser with a fresh profile. Without Chromium the test is
// skipped, and fails where CI is set.
func Open(t *testing.T) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// Cancel waits until the browser is gone, so that its profile can be
		// removed; one that does not go is killed.
		within, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := chromedp.Cancel(within); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		closeTab()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return &Browser{t, ctx}
}

// Do runs actions, for a minute at most.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// Window sets the window's size, in CSS pixels, and the colour scheme that the
// browser prefers, light or dark.
func (b *Browser) Window(width, height int64, scheme string) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Visit opens an address and waits for the page.
func (b *Browser) Visit(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
}

// Click presses the first element that a selector finds, once it is there.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Wait waits until a script's expression is true, across pages: while one page
// gives way to the next there is nothing to ask.
func (b *Browser) Wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	for {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if met {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("waiting for %s: %v; the page says:\n%s", expression, err, Eval[string](b, `document.body?.innerText ?? ""`))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Eval evaluates a script's expression in the page.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluating %s: %v", expression, err)
	}
	return v
}

// Fits fails the test when the page is wider than the window.
func (b *Browser) Fits(what string) {
	b.t.Helper()
	if over := Eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		b.t.Errorf("%s: the page is %d px wider than the window", what, over)
	}
}

// Picture returns the window as PNG. When the environment names a folder in
// PAGES_SHOTS, it is kept there too, under name.
func (b *Browser) Picture(name string) []byte {
	b.t.Helper()
	b.Do(chromedp.Sleep(200 * time.Millisecond)) // pictures in frames are painted late
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("taking a picture: %v", err)
	}
	if folder := os.Getenv("PAGES_SHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	return png
}
