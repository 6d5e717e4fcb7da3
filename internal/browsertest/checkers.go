package browsertest

import (
	"os"
	"path/filepath"
	"testing"
)

// Checkers is the folder (node_modules) of the judges of pages and letters that
// tools/setup.sh installs: the Nu checker, html-validate and axe. Without them
// the test is skipped, and fails where CI is set.
func Checkers(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "lede", "checkers", "node_modules")
	if _, err := os.Stat(filepath.Join(dir, "axe-core", "axe.min.js")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the checkers are not installed: tools/setup.sh")
		}
		t.Skip("the checkers are not installed: tools/setup.sh")
	}
	return dir
}
