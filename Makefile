# make run   builds and starts the suite; make test tests it. make help lists all.
SHELL       := /bin/bash
GO          ?= go
FUZZTIME    ?= 10s
BENCHTIME   ?= 1s
BENCH       ?=
CRASH       ?= --cycles=200
SEEDS       ?= 2000
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
PROGRAMS    := $(notdir $(wildcard cmd/*))
WEB         := nsqadmin/ui/web

.DEFAULT_GOAL := help
.PHONY: packaging vulncheck help build web docs run test lint race unit fuzz bench microbench crash powerloss cover clean toolchain

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

toolchain:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 or newer (https://go.dev/dl/, or your system's package golang)"; exit 1; }

build: toolchain web ## build the programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

web: ## build nsqadmin's script, if Node is there; nsqadmin works without it
	@if command -v npm >/dev/null; then \
	  cd $(WEB) && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts --no-progress; } && npm run --silent build; \
	else echo "Node is missing: nsqadmin's pages will work, but not update themselves"; fi

docs: build ## manual pages, shell completions and example files, into out/docs
	@set -e; cd bin; for p in $(PROGRAMS); do \
	  mkdir -p ../out/docs/man ../out/docs/bash ../out/docs/zsh ../out/docs/fish ../out/docs/config; \
	  section=8; case $$p in *_*) section=1 ;; esac; \
	  ./$$p --generate=man >../out/docs/man/$$p.$$section; \
	  ./$$p --generate=bash >../out/docs/bash/$$p; \
	  ./$$p --generate=zsh >../out/docs/zsh/_$$p; \
	  ./$$p --generate=fish >../out/docs/fish/$$p.fish; \
	  if [ $$section = 8 ]; then ./$$p --generate=config >../out/docs/config/$$p.toml; fi; \
	done

run: build ## build and start nsqlookupd, nsqd and nsqadmin; Ctrl-C stops them
	@$(GO) build -o bin/runsuite ./internal/runsuite
	@exec bin/runsuite

test: web lint unit race ## everything that must hold before a change goes in

lint: toolchain ## vet, formatting, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@if [ -d $(WEB)/node_modules ]; then cd $(WEB) && npm run --silent check; fi

unit: toolchain ## all tests, with real processes
	$(GO) test -count=1 -timeout 8m ./...

packaging: toolchain ## read manifests, rules and dashboards by the parsers of those for whom they are; fetches these
	cd internal/packaging/check && $(GO) vet ./... && $(GO) test -count=1 ./...

race: toolchain ## all tests but those with real processes, under the race detector
	$(GO) test -short -race -timeout 8m ./...

vulncheck: toolchain ## known vulnerabilities in what we call; asks Go's database on the network
	$(GO) run $(GOVULNCHECK) ./...

fuzz: toolchain ## each fuzz target for FUZZTIME (10s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

bench: build ## measure the programs from outside: cost, memory, latency, restart; BENCH=long for an hour, BENCH="--only=topics" and more
	$(GO) run ./internal/bench $(if $(filter long,$(BENCH)),--long,$(BENCH))

microbench: toolchain ## Go benchmarks of the hot paths
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

crash: build ## kill nsqd again and again and prove that nothing is lost; CRASH="--cycles=2000 --durability=fsync", --help tells more
	$(GO) run ./internal/crash $(CRASH)

powerloss: toolchain ## SEEDS (2000) histories in each durability mode on a disk that forgets what was not synced
	$(GO) test -count=1 -timeout 2h -run TestPowerLoss ./nsqd/broker -seeds=$(SEEDS)

cover: toolchain ## test coverage by package, and as out/cover.html
	@mkdir -p out
	$(GO) test -short -coverprofile out/cover.out ./... && $(GO) tool cover -html out/cover.out -o out/cover.html

clean: ## remove what the other targets made
	rm -rf bin out run-data $(WEB)/node_modules $(WEB)/dist/nsqadmin.js*
