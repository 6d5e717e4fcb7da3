#!/usr/bin/env bash
# Vet, formatting, linters and the rooms' import rules (.golangci.yml).
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

go vet ./...

unformatted=$(go tool -modfile=tools/go.mod gofumpt -l .)
if [[ -n $unformatted ]]; then
	echo "lint: not formatted with gofumpt; make fmt does it:" >&2
	echo "$unformatted" >&2
	exit 1
fi

go tool -modfile=tools/go.mod golangci-lint run ./...

# Every module that we import ourselves has its reason.
go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}}{{end}}' all | while read -r module; do
	if [[ -n $module ]] && ! grep -qF "\`$module\`" docs/dependencies.md; then
		echo "lint: docs/dependencies.md has no line for $module" >&2
		exit 1
	fi
done
