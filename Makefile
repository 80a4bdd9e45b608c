# Rà soát. `make` lists what there is; `make run` and `make test` set up whatever a fresh machine lacks.
SHELL      := /bin/bash
.DEFAULT_GOAL := help
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS    := -s -w -X main.version=$(VERSION)
# The whole tree builds without cgo; the tag ci puts Fyne's headless driver in place of a window system.
GO_NOCGO   := CGO_ENABLED=0 go
TAGS       := -tags ci
export LANG ?= C.UTF-8

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: bin/server ## the whole story on the demo district, then stay up with the address and each role's sign-in
	bin/server demo --stay

demo: bin/server ## the same, at most 90 s, then exit: 0 when every total is as published, else 1
	bin/server demo

test: ## set up, then every test (SQLite, PostgreSQL, wire, screens)
	@scripts/setup postgres
	RASOAT_NEED_POSTGRES=1 $(GO_NOCGO) test $(TAGS) ./...

# The simulator: fixed seeds inside the tests, and one random seed, which is printed.
check: export RASOAT_SIM_SEEDS = 24
check: lint test race mutants sim-once fuzz-quick demo server-size tablet-build console ## what CI runs
	@echo "check: all passed"

lint: ## formatting, vet, linters (a reason per rule in .golangci.yml)
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt would change the files above: run gofmt -w ."; exit 1; }
	@scripts/lint

race: ## the race detector on the packages that share memory
	@scripts/setup postgres
	go test -race -short ./sync ./internal/central ./internal/tablet

mutants: ## seven broken merges; each must be caught by the merge tests
	scripts/mutants

sim: ## the simulator for a minute: make sim SEED=7 replays one run, SECONDS=3600 goes on for an hour
	SEED=$(SEED) SIM_SECONDS=$(SECONDS) scripts/sim

sim-once: ## the simulator on one random seed
	SEED=$$RANDOM$$RANDOM scripts/sim

sim-mutants: ## planted faults; each must be caught by the simulator
	scripts/sim-mutants

fuzz-quick: ## half a minute of fuzzing of what comes off the wire
	scripts/fuzz 15s

bench: ## speed and size; lines `bench: NAME VALUE UNIT`
	@scripts/setup postgres
	scripts/bench full

bench-quick: ## the same in under two minutes
	@scripts/setup postgres
	scripts/bench quick

tablet: bin/tablet ## build and start the tablet app in a window
	bin/tablet

tablet-build: bin/tablet ## build the tablet app (cgo, OpenGL) and drive it in a real window
	scripts/tablet-smoke

console: bin/server ## drive the console's pages in Chromium and check them with axe
	scripts/console

server-size: bin/server ## the server binary: static, at most 40 MiB
	@scripts/server-size

bin/server: FORCE
	$(GO_NOCGO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./server

bin/tablet: FORCE
	@scripts/setup tablet
	go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./mobile

clean: ## remove what was built and the demo's data
	rm -rf bin data dist

FORCE:
.PHONY: help run demo test check lint race mutants fuzz-quick bench bench-quick tablet tablet-build console server-size sim sim-once sim-mutants clean FORCE
