package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lede/audience/segment"
	"lede/internal/config"
	"lede/store"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

// Exit statuses of every command.
const (
	exitDone   = 0 // also: nothing new to send
	exitFailed = 1
	exitUsage  = 2
	exitPart   = 3 // rejects, deferred or failed are left
)

// app is what all commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	now            func() time.Time
	configFile     string
	json           bool
	verbose        bool
}

// exitError ends the program with a status. A nil err was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// run is the whole program; it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ(), now: time.Now}
	cmd := newRootCommand(a)
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var exit *exitError
	var problems config.Problems
	switch {
	case errors.As(err, &exit):
		code = exit.code
		if exit.err == nil {
			return code
		}
	case errors.As(err, &problems):
		code = exitUsage
	case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "required flag"):
		code = exitUsage
	}
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		if !strings.HasPrefix(line, "hint: ") {
			line = "lede: " + line
		}
		fmt.Fprintln(stderr, line)
	}
	return code
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "lede",
		Short: "Compose newsletters and send them",
		Long: `Lede makes a newsletter and sends it: it gathers stories, assembles a lead and
teaser briefs into a letter, and delivers it over SMTP to every subscriber, once.

Exit status: 0 done (also: nothing new to send), 1 failed, 2 used wrongly,
3 done in part (some rejected, put off or refused).`,
		Example: `  lede demo                      # the whole job on this machine, nothing to set up
  lede init newsroom             # a folder to start from
  lede preview                   # the next edition in the browser
  lede send harbour              # assemble and deliver now`,
		Version:           version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitUsage, fmt.Errorf("%w\nhint: %s --help", err, cmd.CommandPath())}
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&a.configFile, "config", "c", "", "configuration `FILE` (default lede.yaml here, then the user's and the system's config folder)")
	flags.BoolVar(&a.json, "json", false, "print one JSON document to standard output")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what is being done")
	root.AddCommand(
		newDemoCommand(a), newInitCommand(a), newCheckCommand(a), newPreviewCommand(a),
		newSendCommand(a), newServeCommand(a), newScheduleCommand(a),
		newImportCommand(a), newExportCommand(a), newImportsCommand(a), newListsCommand(a), newSubscribersCommand(a), newSegmentsCommand(a), newWebhooksCommand(a), newTokensCommand(a), newKeysCommand(a), newAPICommand(a), newFormCommand(a), newEditionsCommand(a), newArchiveCommand(a), newInboxCommand(a), newThemeCommand(a), newLintCommand(a),
	)
	return root
}

// arguments checks the number of arguments and says what is missing.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usageError("%s: expected %s, got %d arguments\nhint: %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// read reads the configuration.
func (a *app) read() (*config.Config, error) {
	path, err := config.Find(a.configFile, a.environ)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return config.Load(path, a.environ)
}

// load reads the configuration and says its warnings.
func (a *app) load() (*config.Config, error) {
	cfg, err := a.read()
	if err != nil {
		return nil, err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(a.stderr, "lede: warning: %s\n", w)
	}
	return cfg, nil
}

func (a *app) openStore(ctx context.Context, cfg *config.Config) (*store.Store, error) {
	st, err := store.Open(ctx, cfg.Data)
	if err == nil {
		st.Places = segment.PlacesOf(cfg.Declared())
	}
	return st, err
}

func (a *app) printJSON(v any) error { return printJSON(a.stdout, v) }

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say writes a line for a person: to standard output, or with --json to
// standard error.
func (a *app) say(format string, args ...any) {
	w := a.stdout
	if a.json {
		w = a.stderr
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// terminal says whether a person sees standard error.
func (a *app) terminal() bool { return isTerminal(a.stderr) }

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// logger writes to standard error: in colour on a terminal, as text or JSON
// elsewhere.
func (a *app) logger(cfg *config.Config) *slog.Logger {
	level := slog.LevelInfo
	format := "auto"
	if cfg != nil {
		format = cfg.Log.Format
		_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked when the file was read
	}
	if a.verbose {
		level = slog.LevelDebug
	}
	switch {
	case format == "json":
		return slog.New(slog.NewJSONHandler(a.stderr, &slog.HandlerOptions{Level: level}))
	case format == "text" || !a.terminal():
		return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(a.stderr, &tint.Options{Level: level, TimeFormat: time.TimeOnly}))
}
