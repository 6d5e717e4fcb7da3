package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"lede/newsroom"
	"lede/web"
)

func newArchiveCommand(a *app) *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "archive [NEWSLETTER…] --out DIR",
		Short: "The archive of sent letters as files for any web server",
		Long: `Write what "lede serve" shows of sent letters as static files: the letters'
pages with their pictures and, of newsletters with visibility: public, the
archive, its feeds and a sitemap. Pages link to each other relatively, so they
can be opened from the disk too; feeds and sitemap name base_url.

Run again, it writes only what changed. Each file is whole or not there; nothing
is removed. A newsletter with visibility: off is left out.`,
		Example: `  lede archive --out public
  lede archive harbour --out /var/www/news`,
		Args: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError("%s: --out DIR is missing\nhint: %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runArchive(cmd.Context(), a, args, out)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the files to `DIR`")
	return cmd
}

// archiveSums is what `lede archive --json` prints.
type archiveSums struct {
	Letters   int `json:"letters"`
	Written   int `json:"written"`   // files that are new or changed
	Unchanged int `json:"unchanged"` // files that were there already
}

func runArchive(ctx context.Context, a *app, args []string, out string) error {
	h, err := a.open(ctx, wiring{by: "archive", quiet: true})
	if err != nil {
		return err
	}
	defer h.close()
	ids, err := readable(h.newsletters, args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return fmt.Errorf("opening %s: %w", out, err)
	}
	defer root.Close()
	folder := &folder{root: root}
	letters, err := h.site().Files(ctx, ids, folder)
	if err != nil {
		return fmt.Errorf("writing the archive to %s: %w", out, err)
	}
	sums := archiveSums{letters, folder.written, folder.unchanged}
	if a.json {
		return a.printJSON(sums)
	}
	a.say("Letters in %s: %d. Files written: %d, unchanged: %d.", out, sums.Letters, sums.Written, sums.Unchanged)
	return nil
}

// readable are the newsletters that may stand on the web: those that are named,
// or all.
func readable(all []newsroom.Newsletter, args []string) ([]string, error) {
	var ids []string
	for _, name := range args {
		n, err := pick(all, []string{name})
		if err != nil {
			return nil, err
		}
		if n.Visibility == string(web.Off) {
			return nil, usageError("newsletter %s is not on the web: visibility: off", n.ID)
		}
		if !slices.Contains(ids, n.ID) {
			ids = append(ids, n.ID)
		}
	}
	if len(args) > 0 {
		return ids, nil
	}
	for _, n := range all {
		if n.Visibility != string(web.Off) {
			ids = append(ids, n.ID)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("no newsletter is on the web: all have visibility: off")
	}
	return ids, nil
}

// folder is a folder that nothing is written outside of, whatever links lie in
// it.
type folder struct {
	root               *os.Root
	written, unchanged int
}

// Has implements web.Folder.
func (f *folder) Has(name string) bool {
	info, err := f.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f.unchanged++
	return true
}

// Put implements web.Folder. A file that is the same is not touched.
func (f *folder) Put(name string, data []byte) error {
	same, err := f.holds(name, data)
	if err != nil {
		return err
	}
	if same {
		f.unchanged++
		return nil
	}
	if dir := path.Dir(name); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	tmp := path.Join(path.Dir(name), ".lede-"+randomHex(8))
	if err := f.write(tmp, data); err != nil {
		return errors.Join(err, f.remove(tmp))
	}
	if err := f.root.Rename(tmp, name); err != nil {
		return errors.Join(err, f.remove(tmp))
	}
	f.written++
	return nil
}

// holds says whether a file is there with this content.
func (f *folder) holds(name string, data []byte) (bool, error) {
	info, err := f.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsDir():
		return false, fmt.Errorf("%s is a folder", name)
	case !info.Mode().IsRegular() || info.Size() != int64(len(data)):
		return false, nil
	}
	file, err := f.root.Open(name)
	if err != nil {
		return false, err
	}
	defer file.Close()
	there, err := io.ReadAll(io.LimitReader(file, int64(len(data))+1))
	return bytes.Equal(there, data), err
}

func (f *folder) write(name string, data []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

func (f *folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
