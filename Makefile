# Lede. `make help` lists what there is to do.

export CGO_ENABLED ?= 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOL := go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build test setup lint fmt demo bench parts pictures chaos fuzz vuln

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./lede, one binary that needs nothing else
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o lede ./cmd/lede

test: ## set up what is missing, lint, and run every test
	./tools/test.sh

setup: ## install what the tests need (on Debian as root; elsewhere say what is missing)
	./tools/setup.sh

lint: ## vet, formatting, linters and the rooms' import rules
	./tools/lint.sh

fmt: ## format with gofumpt
	$(TOOL) gofumpt -w .

demo: ## the whole job on this machine: a newsletter, real SMTP, an inbox
	go run ./cmd/lede demo

bench: ## Lede beside other senders, a quarter of an hour (BENCH="-quick": some minutes)
	go run ./internal/bench $(BENCH)

parts: ## Go benchmarks of the parts, with allocations (PARTS="Render": those that match)
	go test -run '^$$' -bench '$(or $(PARTS),.)' -benchmem ./...

pictures: ## take the pictures in docs/img anew, in a real browser
	PAGES_SHOTS=$(CURDIR)/docs/img go test -count=1 -run TestThemePictures ./compose
	PAGES_SHOTS=$(CURDIR)/docs/img go test -count=1 -run TestPictures ./cmd/lede

chaos: ## kills, power cuts, hostile receivers, DOSE times the usual dose (default 1)
	LEDE_CHAOS=$(or $(DOSE),1) go test -count=1 -timeout $$((90 * $(or $(DOSE),1)))m -v -run 'TestChaos|TestPowerCut|TestDropped|TestHostile|TestMutants|TestDatabaseRestarts' ./cmd/lede

fuzz: ## every fuzz target for FUZZTIME (default 30s) each
	./tools/fuzz.sh $(FUZZTIME)

vuln: ## known vulnerabilities in what the binary uses (asks the Go vulnerability database)
	$(TOOL) govulncheck ./...
