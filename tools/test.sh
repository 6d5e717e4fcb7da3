#!/usr/bin/env bash
# What `make test` does, in order; it ends at the first step that fails and
# says what was run and what was skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

ran=()
skipped=()
now=

step() {
	now=$1
	shift
	echo "== $now"
	local start=$SECONDS
	"$@"
	ran+=("$now ($((SECONDS - start)) s)")
	now=
}

summary() {
	local status=$?
	echo "== make test"
	((${#ran[@]} == 0)) || printf 'ran      %s\n' "${ran[@]}"
	((${#skipped[@]} == 0)) || printf 'skipped  %s\n' "${skipped[@]}"
	[[ -z $now ]] || echo "FAILED   $now"
	exit $status
}
trap summary EXIT

# The race detector needs cgo and makes the SQLite driver, C turned into Go, 19
# times slower: it runs where no test touches it. The others run without.
raceable() {
	local package
	go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r package; do
		grep -q '^modernc.org/sqlite' <<<"$(CGO_ENABLED=1 go list -race -test -deps "$package")" || echo "$package"
	done
}

step setup ./tools/setup.sh
step lint ./tools/lint.sh
step tests go test -timeout 20m ./...
if command -v gcc >/dev/null && [[ -e /usr/include/stdlib.h ]]; then
	mapfile -t packages < <(raceable)
	step "race detector: ${packages[*]}" env CGO_ENABLED=1 go test -race -timeout 9m "${packages[@]}"
	skipped+=("race detector where tests open a SQLite file")
else
	skipped+=("race detector: no C compiler")
fi
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || skipped+=("everything on PostgreSQL: no postgresql")
cmp -s tools/checkers/package-lock.json "${XDG_CACHE_HOME:-$HOME/.cache}/lede/checkers/node_modules/.from" || skipped+=("letters by the Nu checker, html-validate and axe: not installed")
command -v chromium >/dev/null || skipped+=("tests in a browser: no chromium")
[[ $(id -u) == 0 && -x /usr/lib/postfix/sbin/master ]] || skipped+=("sends to a real Postfix: no postfix, or not root")
[[ $(id -u) == 0 && -x ${XDG_CACHE_HOME:-$HOME/.cache}/lede/exim/usr/sbin/exim4 ]] || skipped+=("sends to a real Exim: no exim, or not root")
command -v dkimverify >/dev/null || skipped+=("DKIM by another's verifier: no dkimverify")
