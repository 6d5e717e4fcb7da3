package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// The starter is a newsroom folder; the demo adds its own stories to it.
//
//go:embed all:starter
var starterFiles embed.FS

func newInitCommand(a *app) *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a newsroom folder to start from",
		Long: `Make a folder with lede.yaml, stories/ and subscribers.csv that lede check,
lede preview and lede serve accept as it is. Files that are there are not
touched.`,
		Example: `  lede init newsroom
  cd newsroom && lede import harbour subscribers.csv && lede preview`,
		Args: arguments(0, 1, "at most one DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = filepath.Clean(args[0])
			}
			return runInit(a, dir, force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite files that are there")
	return cmd
}

func runInit(a *app, dir string, force bool) error {
	files, err := fs.Sub(starterFiles, "starter")
	if err != nil {
		return err
	}
	if err := refuseExisting(files, dir, force); err != nil {
		return err
	}
	if err := writeTree(files, dir, nil); err != nil {
		return err
	}
	in := ""
	if dir != "." {
		in = "cd " + quoted(dir) + "\n  "
	}
	a.say(`Made %s. Next:

  %slede import harbour subscribers.csv
  lede preview                # the next edition in the browser
  lede inbox                  # in another terminal: catches the mail that lede.yaml sends to
  lede send harbour           # assemble and deliver
  lede check                  # before the first real send`, filepath.Join(dir, "lede.yaml"), in)
	return nil
}

// quoted writes a folder's name for a shell.
func quoted(dir string) string {
	if strings.Trim(dir, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+:@") == "" && !strings.HasPrefix(dir, "-") {
		return dir
	}
	return "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
}

// refuseExisting makes init all or nothing: no file is there that it would
// write, unless by force, and none where it needs a folder.
func refuseExisting(files fs.FS, dir string, force bool) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		there, err := os.Stat(target)
		switch {
		case err != nil:
			if _, err := os.Lstat(target); err == nil {
				return fmt.Errorf("%s is a link to nowhere; nothing was written\nhint: another folder", target)
			}
		case d.IsDir() && !there.IsDir():
			return fmt.Errorf("%s is a file, not a folder; nothing was written\nhint: another folder", target)
		case !d.IsDir() && there.IsDir():
			return fmt.Errorf("%s is a folder; nothing was written\nhint: another folder", target)
		case !d.IsDir() && !force:
			return fmt.Errorf("%s is there already; nothing was written\nhint: another folder, or --force to overwrite", target)
		}
		return nil
	})
}

// writeTree copies files to dir; replace changes what is written.
func writeTree(files fs.FS, dir string, replace *strings.Replacer) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			if err := os.MkdirAll(target, 0o755); err != nil {
				return fmt.Errorf("making a folder: %w", err)
			}
			return nil
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if replace != nil && path.Ext(name) != ".png" {
			data = []byte(replace.Replace(string(data)))
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		return nil
	})
}
