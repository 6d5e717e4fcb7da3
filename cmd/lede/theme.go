package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lede/templates"
)

func newThemeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "theme",
		Short: "How letters look: list the themes, start one of your own, check it",
		Example: `  lede theme list
  lede theme new theme --theme letter brief.html tokens.yaml
  lede theme check theme --theme letter`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newThemeListCommand(a), newThemeNewCommand(a), newThemeCheckCommand(a))
	return cmd
}

func newThemeListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The themes there are",
		Example: "  lede theme list",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(*cobra.Command, []string) error {
			type line struct {
				Theme string `json:"theme"`
				About string `json:"about"`
			}
			var lines []line
			for _, name := range templates.Names() {
				lines = append(lines, line{name, templates.About(name)})
			}
			if a.json {
				return a.printJSON(lines)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "THEME\tIS")
			for _, l := range lines {
				fmt.Fprintf(w, "%s\t%s\n", l.Theme, l.About)
			}
			return w.Flush()
		},
	}
}

func newThemeNewCommand(a *app) *cobra.Command {
	theme := "broadsheet"
	cmd := &cobra.Command{
		Use:   "new DIR [FILE…]",
		Short: "Copy a theme's files into a folder, to be changed",
		Long: `Copies a theme's files into DIR, to be changed: all of them, or those that are
named. A newsletter uses them with theme_dir: DIR. What DIR does not have stays
as the theme has it, so copy only what you want to change. No file that is there
is written over.`,
		Example: "  lede theme new theme --theme bulletin footer.html tokens.yaml",
		Args:    arguments(1, 100, "a folder, and the files to copy"),
		RunE: func(_ *cobra.Command, args []string) error {
			return runThemeNew(a, theme, args[0], args[1:])
		},
	}
	cmd.Flags().StringVar(&theme, "theme", theme, "the `THEME` to start from")
	return cmd
}

func runThemeNew(a *app, theme, dir string, wanted []string) error {
	files, err := templates.Files(theme)
	if err != nil {
		return usageError("%v", err)
	}
	if len(wanted) == 0 {
		wanted = slices.Sorted(maps.Keys(files))
	}
	for _, name := range wanted {
		if _, ok := files[name]; !ok {
			return usageError("%s: the theme %s has no such file\nhint: it has %s", name, theme, strings.Join(slices.Sorted(maps.Keys(files)), ", "))
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there: nothing was written", filepath.Join(dir, name))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	type copied struct {
		Theme string   `json:"theme"`
		Dir   string   `json:"dir"`
		Files []string `json:"files"`
	}
	for _, name := range wanted {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.WriteString(files[name])
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON(copied{theme, dir, wanted})
	}
	a.say("%s of %s in %s. A newsletter uses them with\n  theme: %s\n  theme_dir: %s", counted(len(wanted), "file"), theme, dir, theme, dir)
	return nil
}

func newThemeCheckCommand(a *app) *cobra.Command {
	theme := ""
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Check a theme, with the files of a folder over it",
		Long: `Reads a theme with the files of DIR over it, sets sample letters in it (left to
right, right to left, without a lead) and measures them: well formed, bytes,
tables in one another, text sizes, contrast in light and dark. Without DIR the
theme as it is; without --theme all themes, and broadsheet under a DIR.`,
		Example: "  lede theme check theme --theme letter",
		Args:    arguments(0, 1, "at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, names := "", templates.Names()
			if len(args) == 1 {
				dir, names = args[0], []string{"broadsheet"}
			}
			if theme != "" {
				if !slices.Contains(templates.Names(), theme) {
					_, err := templates.Load(theme, "")
					return usageError("%v", err)
				}
				names = []string{theme}
			}
			return runThemeCheck(a, names, dir)
		},
	}
	cmd.Flags().StringVar(&theme, "theme", "", "the `THEME`")
	return cmd
}

func runThemeCheck(a *app, names []string, dir string) error {
	all := []templates.Inspection{}
	failed := false
	for _, name := range names {
		theme, err := templates.Load(name, dir)
		if err != nil {
			all = append(all, templates.Inspection{Theme: name, Remarks: []templates.Remark{{Severity: "error", What: err.Error()}}})
			failed = true
			continue
		}
		inspection := theme.Inspect()
		for _, r := range inspection.Remarks {
			failed = failed || r.Severity == "error"
		}
		all = append(all, inspection)
	}
	if a.json {
		if err := a.printJSON(all); err != nil {
			return err
		}
	}
	for _, in := range all {
		if in.Bytes > 0 {
			a.say("%s: %d bytes, %d for a further brief, tables %d deep in Outlook", in.Theme, in.Bytes, in.Brief, in.Tables)
		}
		for _, r := range in.Remarks {
			for line := range strings.SplitSeq(r.What, "\n") {
				a.say("%s: %s: %s", in.Theme, r.Severity, line)
			}
		}
	}
	if failed {
		return &exitError{exitFailed, nil}
	}
	return nil
}
