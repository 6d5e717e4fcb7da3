// Bench measures Lede beside other senders: Postfix's smtp-source and a plain
// sender with go-mail, into the same receivers, with alternating rounds.
//
//	go run ./internal/bench             # all, about a quarter of an hour
//	go run ./internal/bench -quick      # smaller, one round
//	go run ./internal/bench -only 'sink/chunking/loopback/(lede sqlite|smtp-source)'
//
// Every sender and every receiver is a process of its own. A rate is counted by
// the receiver, from its first mail to its last; CPU time and memory are the
// sender's whole process from start to end, as the kernel counts them. Lede is
// the built binary with `lede send`, its ledger on the disk of -dir.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	quick    bool
	rounds   int
	scale    float64
	only     string
	growth   string
	lede     string
	dir      string
	json     string
	markdown string
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(args) > 0 && childs[args[0]] != nil {
		err = childs[args[0]](ctx, args[1:], stdout)
	} else {
		err = measure(ctx, args, stdout, stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// childs are what this program is by its first word: a receiver, a wire
// or a sender that it starts itself, or a benchmark of its own.
var childs = map[string]func(ctx context.Context, args []string, stdout io.Writer) error{
	"sink":        runSink,
	"proxy":       runProxy,
	"gomail":      runGoMail,
	"import":      runImport,
	"preferences": runPreferences,
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.quick, "quick", false, "one round with a fifth of the mails, growth to 100,000: a first look in some three minutes")
	f.IntVar(&o.rounds, "rounds", 3, "runs of each sender in each setting; the median counts")
	f.Float64Var(&o.scale, "scale", 1, "so many times the usual mails a run")
	f.StringVar(&o.only, "only", "", "run what this regular `expression` finds in `receiver/offers/delay/sender`;\nthe names are those of the table, and growth is growth/sender")
	f.StringVar(&o.growth, "growth", "1000,10000,100000,1000000", "recipients of the runs that show growth")
	f.StringVar(&o.lede, "lede", "", "the lede `binary` to measure; built if not given")
	f.StringVar(&o.dir, "dir", "", "work in this `folder`, on the disk to be measured, and leave what was made; default: a temporary one")
	f.StringVar(&o.json, "json", "", "write every single run to this `file` too")
	f.StringVar(&o.markdown, "markdown", "", "write the results between the marks in this `file` too")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q: expected flags only", f.Arg(0))
	}
	if o.quick {
		given := map[string]bool{}
		f.Visit(func(f *flag.Flag) { given[f.Name] = true })
		if !given["rounds"] {
			o.rounds = 1
		}
		if !given["growth"] {
			o.growth = "1000,10000,100000"
		}
		if !given["scale"] {
			o.scale = 0.2
		}
	}
	if o.rounds < 1 || o.scale <= 0 {
		return o, errors.New("-rounds and -scale are above zero")
	}
	return o, nil
}

// measure does all runs and prints the table.
func measure(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if o.markdown != "" {
		if _, _, err := around(o.markdown); err != nil {
			return err // now, and not when all is measured
		}
	}
	var growth []int
	for text := range strings.SplitSeq(o.growth, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return fmt.Errorf("-growth %q: expected numbers of recipients", text)
		}
		growth = append(growth, n)
	}
	b, err := newBench(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	machine, err := describe(ctx, b.dir)
	if err != nil {
		return err
	}

	var runs []result
	for round := range o.rounds {
		for _, s := range settings {
			if s.Delay > 0 && round%2 == 1 {
				continue // there the wait counts, which no disturbance changes much
			}
			senders := b.senders()
			// Nobody has the warm or the disturbed place in every round.
			for i := range senders {
				sender := senders[(i+round)%len(senders)]
				if !only.MatchString(s.String() + "/" + sender.name()) {
					continue
				}
				r, err := b.one(ctx, s, sender, b.count(s, sender))
				if err != nil {
					return fmt.Errorf("%s into %s: %w", sender.name(), s, err)
				}
				r.Round = round + 1
				runs = append(runs, r)
				fmt.Fprintf(stderr, "%d/%d  %s\n", r.Round, o.rounds, r)
			}
		}
	}
	for _, sender := range b.growing() {
		if !only.MatchString("growth/" + sender.name()) {
			continue
		}
		for _, n := range growth {
			r, err := b.one(ctx, growthSetting, sender, n)
			if err != nil {
				return fmt.Errorf("%s to %d recipients: %w", sender.name(), n, err)
			}
			r.Growth = true
			runs = append(runs, r)
			fmt.Fprintf(stderr, "growth  %s\n", r)
		}
	}
	if len(runs) == 0 {
		return fmt.Errorf("-only %s finds nothing; the settings are\n  %s", o.only, strings.Join(names(b), "\n  "))
	}
	return report(o, machine, runs, stdout)
}

// names lists what -only can find.
func names(b *bench) []string {
	var all []string
	for _, s := range settings {
		for _, sender := range b.senders() {
			all = append(all, s.String()+"/"+sender.name())
		}
	}
	for _, sender := range b.growing() {
		all = append(all, "growth/"+sender.name())
	}
	return slices.Compact(all)
}
