# Everything that one does with this repository. A fresh machine needs Go, make, and a C compiler
# (for the race detector); make test-all installs or states what more it wants.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

MODULE   := github.com/azure-tenant-grapher/atg
PROGRAMS := $(notdir $(wildcard cmd/*))
EXAMPLES := $(wildcard examples/*/go.mod)
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   := $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS  := -X $(MODULE)/internal/buildinfo.version=$(VERSION) -X $(MODULE)/internal/buildinfo.commit=$(COMMIT)
FUZZTIME ?= 30s

# Pinned tools are built once per version and kept beside Go's own build cache, so that a fresh clone
# finds them. Each has a go.mod of its own: none of their dependencies is one of the product.
TOOLS    := $(shell go env GOCACHE)/atg-tools
pinned    = $(TOOLS)/$(1)-$(shell cat tools/$(1)/go.sum | cksum | cut -d' ' -f1)
LINTER   := $(call pinned,golangci-lint)/golangci-lint
BUF      := $(call pinned,buf)/buf
PROTOC   := $(call pinned,proto)

.PHONY: build
build: ## build the programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(addprefix ./cmd/,$(PROGRAMS))

.PHONY: demo
demo: build ## scan the simulator's tenant and show the snapshot
	@internal/e2e/demo.sh bin

.PHONY: test
test: build vet ## everything that a fresh machine can test
	go test -race ./...
	@for m in $(EXAMPLES); do (cd $$(dirname $$m) && go vet ./... && go test -race ./...); done

.PHONY: vet
vet:
	go vet ./...

.PHONY: test-all
test-all: cross reproducible ## what needs more than a fresh machine has, beside make test and make lint

.PHONY: cross
cross: ## the programs build and vet for every platform that they are made for
	@for p in $(addprefix ./cmd/,$(PROGRAMS)); do :; done
	@for target in linux/arm64 darwin/arm64 windows/amd64; do \
		echo "cross: $$target"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 go build -o /dev/null ./cmd/... ; \
		GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 go vet ./host/... ./shared/... ./plugins/... ./cmd/... ; \
	done

.PHONY: reproducible
reproducible: proto ## generated code is what its sources generate
	git diff --exit-code -- shared/rpc

.PHONY: bench
bench: build ## one JSON line per figure
	@go run ./internal/e2e/bench -bin bin

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r f; do \
		for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$f"); do \
			echo "fuzz: $$t in $$(dirname "$$f")"; go test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$f")"; \
		done; \
	done

.PHONY: lint
lint: $(LINTER) ## the house law
	$(LINTER) run ./...
	@long=$$(git ls-files '*.go' | grep -v -e '\.pb\.go$$' | xargs wc -l | awk '$$2 != "total" && $$1 > 400'); \
		if [ -n "$$long" ]; then echo "files over 400 lines:"; echo "$$long"; exit 1; fi

.PHONY: proto
proto: $(BUF) $(PROTOC) ## generate the RPC code
	cd shared/rpc && $(BUF) lint && PATH="$(PROTOC):$$PATH" $(BUF) generate

$(LINTER):
	@echo "building golangci-lint once; this takes some minutes"
	@mkdir -p $(@D)
	cd tools/golangci-lint && CGO_ENABLED=0 go build -o $(@D)/ tool

$(BUF):
	@mkdir -p $(@D)
	cd tools/buf && CGO_ENABLED=0 go build -o $(@D)/ tool

$(PROTOC):
	@mkdir -p $@
	cd tools/proto && CGO_ENABLED=0 go build -o $@/ tool

.PHONY: clean
clean: ## remove what was built
	rm -rf bin

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14
