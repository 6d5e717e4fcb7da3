#!/usr/bin/env bash
# Runs every fuzz target for a while (default 30s each), one after the other. What
# it finds is made small in 500 tries: the usual minute would be all of the while.
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u | while read -r package; do
	grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' | while read -r target; do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-30s}" -fuzzminimizetime 500x "$package" </dev/null
	done
done
