package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints the table, and writes the files that were asked for.
func report(o options, machine []string, runs []result, stdout io.Writer) error {
	lines := table(runs)
	for _, line := range machine {
		fmt.Fprintln(stdout, line)
	}
	fmt.Fprintf(stdout, "%d KB letters, %d connections, medians of %d\n\n", letterSize>>10, connections, o.rounds)
	for _, t := range []([][]string){cells(lines), growthCells(runs)} {
		if len(t) < 2 {
			continue
		}
		w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, row := range t {
			fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(stdout)
	}
	if o.json != "" {
		data, err := json.MarshalIndent(map[string]any{"at": time.Now().UTC(), "machine": machine, "runs": runs}, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.markdown != "" {
		return fillIn(o.markdown, markdown(o, machine, lines, runs))
	}
	return nil
}

// cells is the table, its heading first.
func cells(lines []line) [][]string {
	rows := [][]string{{"receiver", "offers", "wire", "sender", "mails/s", "× smtp-source", "× go-mail", "CPU s/1000", "× smtp-source", "peak MB"}}
	for _, l := range lines {
		row := []string{
			l.Setting.Receiver, l.Setting.Offers, l.Setting.wire(), l.Sender,
			fmt.Sprintf("%.0f", l.Rate), times(l.ToSource), times(l.ToGoMail),
			fmt.Sprintf("%.3f", l.cpu()), times(l.CPUToSource), fmt.Sprintf("%.0f", megabytes(l.Peak)),
		}
		if l.Setting.Delay > 0 { // so few mails that a program's start is most of it
			row[7], row[8] = "–", "–"
		}
		rows = append(rows, row)
	}
	return rows
}

// growthCells is how a sender does with more and more recipients.
func growthCells(runs []result) [][]string {
	rows := [][]string{{"sender", "recipients", "mails/s", "first tenth", "last tenth", "last/first", "CPU s/1000", "peak MB", "MB at 1/10", "MB at 9/10"}}
	for _, r := range runs {
		if !r.Growth {
			continue
		}
		row := []string{
			r.Sender, fmt.Sprint(r.Mails), number(r.Rate), number(r.First), number(r.Last), "–",
			fmt.Sprintf("%.3f", r.cpu()), fmt.Sprintf("%.0f", megabytes(r.Peak)),
			fmt.Sprintf("%.0f", megabytes(r.Early)), fmt.Sprintf("%.0f", megabytes(r.Late)),
		}
		if r.First > 0 && r.Last > 0 {
			row[5] = fmt.Sprintf("%.2f", r.Last/r.First)
		}
		rows = append(rows, row)
	}
	return rows
}

func number(f float64) string {
	if f == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", f)
}

func times(f float64) string {
	if f == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", f)
}

// The marks in a document that results are written between.
const (
	beginMark = "<!-- make bench: begin -->"
	endMark   = "<!-- make bench: end -->"
)

// fillIn replaces what stands between the marks of a document.
func fillIn(file, text string) error {
	before, after, err := around(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(before+beginMark+"\n"+text+endMark+after), 0o644)
}

// around returns what stands before and after the marks of a document.
func around(file string) (before, after string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	before, rest, ok := strings.Cut(string(text), beginMark)
	_, after, also := strings.Cut(rest, endMark)
	if !ok || !also {
		return "", "", fmt.Errorf("%s: the marks %s and %s are missing", file, beginMark, endMark)
	}
	return before, after, nil
}

// markdown writes all that was measured.
func markdown(o options, machine []string, lines []line, runs []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured on %s:\n\n", time.Now().UTC().Format(time.DateOnly))
	for _, line := range machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprintf(&b, "\n%d KB letters, %d connections, medians of %d rounds:\n", letterSize>>10, connections, o.rounds)
	for _, t := range []([][]string){cells(lines), growthCells(runs)} {
		if len(t) < 2 {
			continue
		}
		b.WriteString("\n")
		for i, row := range t {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
			}
		}
	}
	b.WriteString("\n")
	return b.String()
}
