# Everything that one does with this repository. A fresh machine needs Go, make, and a C compiler
# (for the race detector); only Go modules are fetched, and where npm is there, what make iac, make web and make examples need. Nothing is installed but
# Chromium, by make web-test, sslscan, by make tls-scan, Python's gRPC, by make examples, man, mandoc, zsh and fish, by make man-lint and make shells, rpm and buildah, by make packages, and only where root runs them on Debian.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.NOTPARALLEL: # go uses all cores by itself; targets run in the order that they are written in

MODULE   := github.com/azure-tenant-grapher/atg
EXAMPLES := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))
SCHEMA   := plugins/local/armschema/generate
BESIDE   := $(EXAMPLES) $(SCHEMA) tools/azapi-schema tools/site tools/supplychain# code of ours with a go.mod of its own
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   := $(shell git rev-parse HEAD 2>/dev/null)
DATE     := $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
BUILDINFO:= $(MODULE)/internal/buildinfo
LDFLAGS  := -s -w -X $(BUILDINFO).version=$(VERSION) -X $(BUILDINFO).commit=$(COMMIT) -X $(BUILDINFO).date=$(DATE)# as .goreleaser.yaml has them
FUZZTIME ?= 30s
PYTHON   ?= python3# with grpcio and protobuf; else Debian's is tried

# Pinned tools, each with a go.mod of its own, so that none of their dependencies is one of the product.
# Each is built once per version and Go release, and kept beside Go's build cache, where a fresh clone
# finds it.
TOOLS     := $(abspath $(shell go env GOCACHE)/../atg-tools)
pinned     = $(TOOLS)/$(1)-$(shell { go env GOVERSION; cat tools/$(1)/go.mod tools/$(1)/go.sum; } | cksum | cut -d' ' -f1)
LINTER    := $(call pinned,golangci-lint)/golangci-lint
BUF       := $(call pinned,buf)/buf
PROTOC    := $(call pinned,proto)
GITLEAKS  := $(call pinned,gitleaks)/gitleaks
VULNCHECK := $(call pinned,govulncheck)/govulncheck
GORELEASER:= $(call pinned,goreleaser)/goreleaser
install    = cd tools/$(1) && CGO_ENABLED=0 go build -trimpath -o $(@D)/ tool

.PHONY: build
build: ## build the programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -tags grpcnotrace -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

# What packages bring beside the programs. The date of the manual is that of the commit, so that two builds are the same bytes.
SHARE := bin/share
EPOCH  = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || date +%s))

.PHONY: man
man: ## write the manual pages into bin/share/man
	@rm -rf $(SHARE)/man
	SOURCE_DATE_EPOCH=$(EPOCH) go run ./internal/manual/generate -out $(SHARE)/man -version '$(VERSION)'

.PHONY: completions
completions: ## put the completion scripts into bin/share/completions, under the names that shells look for
	@mkdir -p $(SHARE)/completions
	cp host/cli/completion/atg.bash host/cli/completion/atg.fish host/cli/completion/atg.ps1 $(SHARE)/completions/
	cp host/cli/completion/atg.zsh $(SHARE)/completions/_atg

.PHONY: man-lint
man-lint: man ## man and mandoc find nothing wrong with the manual; root gets them on Debian, and others have them
	@for program in man mandoc; do \
		if ! command -v $$program >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "man-lint: installing $$program"; \
			{ apt-get -qq update && apt-get -qq install -y --no-install-recommends $$(sed 's/^man$$/man-db/' <<<$$program); } >/dev/null 2>&1 || true; \
		fi; \
		if ! command -v $$program >/dev/null; then \
			echo "man-lint: $$program is NOT INSTALLED, so it has not read the manual"; \
			continue; \
		fi; \
		echo "man-lint: $$program"; \
		for page in $(SHARE)/man/man*/*; do \
			case $$program in \
			man) said=$$(LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$$page" 2>&1 >/dev/null) || true ;; \
			mandoc) said=$$(mandoc -Tlint -Wwarning "$$page" 2>&1) || true ;; \
			esac; \
			[ -z "$$said" ] || { echo "$$page: $$said"; exit 1; }; \
		done; \
	done

.PHONY: demo
demo: build ## scan the simulator's tenant, show the snapshot, generate code from it, and make the tenant again
	@internal/e2e/demo.sh bin

.PHONY: cluster
cluster: build ## a cluster of the job service to play with: 3 NATS servers, 2 API nodes, 2 workers, on this machine
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
		go build -o "$$dir/play" ./internal/e2e/cluster/play && "$$dir/play" -bin bin # not go run, which fails when it is interrupted

.PHONY: test
test: build vet ## build, vet, every test: those of units with the race detector, and end to end
	@for dir in $(BESIDE); do echo "test: $$dir"; (cd $$dir && go vet ./... && go test -race ./...); done
	go test -race -p 3 -timeout 20m $$(go list ./... | grep -vE '$(UNRACED)') # the largest package takes 6 minutes on two cores
	go test -p 3 -timeout 20m $$(go list ./... | grep -E '$(UNRACED)') # many wait more than they work
	go test -timeout 20m -run '^TestRandomTenantsAreMadeAgain$$' ./plugins/local/tenant/create # all of them; with the race detector, some

# Packages whose tests the race detector makes several times as long, and where little or nothing is concurrent that
# the tests of other packages do not go through; and the scripts over whole programs.
UNRACED := /(internal/e2e|plugins/local/(iac|diff|graph/(export|query|walk)))(/|$$)

.PHONY: test-race
test-race: build ## every test with the race detector: half an hour on two cores
	go test -race -timeout 30m ./...

.PHONY: vet
vet:
	go vet ./...
	go vet -tags '$(TAGS)' ./...

# Those of tests that need programs of others: each compiles beside all others.
TAGS := bicepsyntax,browser,cyphersyntax,foreign,packages,shells,soak,sslscan,terraform

.PHONY: test-all
test-all: cross reproducible chart packages schema-current web-current readme man-lint shells secrets vuln tls-scan iac cypher web-test examples test ## test, and builds for other platforms, generated code, known vulnerabilities, secrets, the README

# -o /dev/null: an object is compiled, a program linked, nothing is kept.
.PHONY: cross
cross: ## build and vet for other platforms
	@for target in darwin/arm64 windows/amd64; do \
		echo "cross: $$target"; \
		export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
		go build -o /dev/null ./cmd/...; \
		go vet ./...; \
	done

.PHONY: reproducible
reproducible: $(BUF) $(PROTOC)/protoc-gen-go ## generated code is what its sources generate
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; \
		(cd shared/rpc && PATH="$(PROTOC):$$PATH" $(BUF) generate --output "$$out"); \
		diff -r "$$out/shared/rpc/backendv1" shared/rpc/backendv1 || { echo "run: make proto"; exit 1; }

.PHONY: schema-current
schema-current: ## what is known of Azure's resource types is what its SDK says: fetches 34 MB once
	go -C $(SCHEMA) run . -out .. -check

# In the history, which has all that the tree has, and in what is not committed yet. The scanner first has to find a key that
# was just made up: what is excepted in its configuration must not be everything.
LEAKS := $(GITLEAKS) --no-banner --redact --ignore-gitleaks-allow --config tools/gitleaks/gitleaks.toml --log-level warn
.PHONY: secrets
secrets: $(GITLEAKS) ## no key and no password is in the repository
	@canary=$$(mktemp -d); trap 'rm -rf "$$canary"' EXIT; \
		printf 'key = "atg_abcdefghij22_%s"\n' "$$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-43)" >"$$canary/key"; \
		if $(LEAKS) dir "$$canary" >/dev/null 2>&1; then echo "secrets: the scanner DOES NOT FIND a key, so it proves nothing"; exit 1; fi
	$(LEAKS) --verbose git .
	$(LEAKS) --verbose git --pre-commit .

# The database is fetched; a copy does as well: make vuln VULNDB=file:///…
VULNDB ?= https://vuln.go.dev
.PHONY: vuln
vuln: $(VULNCHECK) ## no known vulnerability can be reached, where the database of Go can
	@if ! $(VULNCHECK) -db $(VULNDB) -version | grep '^DB updated'; then \
		echo "vuln: $(VULNDB) CANNOT BE REACHED, so nobody knows whether something here is known to be vulnerable"; \
	else \
		for dir in . $(BESIDE); do echo "vuln: $$dir"; (cd $$dir && $(VULNCHECK) -db $(VULNDB) ./...); done; \
	fi

.PHONY: tls-scan
tls-scan: ## sslscan finds nothing weak at the port of the service; root gets it on Debian, and others have it
	@if ! command -v sslscan >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "tls-scan: installing sslscan"; \
		{ apt-get -qq update && apt-get -qq install -y --no-install-recommends sslscan; } >/dev/null 2>&1 || true; \
	fi; \
	if command -v sslscan >/dev/null; then \
		go test -count=1 -tags sslscan -run SSLScan ./internal/e2e; \
	else \
		echo "tls-scan: sslscan is NOT INSTALLED, so only our own scan, in make test, has looked at the service"; \
	fi

.PHONY: shells
shells: ## zsh and fish complete lines of atg; root gets them on Debian, and others have them
	@for shell in zsh fish; do \
		if ! command -v $$shell >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "shells: installing $$shell"; \
			{ apt-get -qq update && apt-get -qq install -y --no-install-recommends $$shell; } >/dev/null 2>&1 || true; \
		fi; \
		if command -v $$shell >/dev/null; then \
			go test -count=1 -tags shells -run "Shells/$$shell" ./internal/e2e; \
		else \
			echo "shells: $$shell is NOT INSTALLED, so it has completed nothing"; \
		fi; \
	done

# Programs of others that read what we generate. Where one is not installed, that is said.
GRAMMAR := tools/bicep-syntax/node_modules/.package-lock.json
.PHONY: iac
iac: ## terraform, and a grammar of Bicep that is not ours, read generated code, where they are installed
	@if command -v terraform >/dev/null; then \
		go test -count=1 -tags terraform -run Terraform ./plugins/local/iac/terraform ./internal/e2e; \
	else \
		echo "iac: terraform is NOT INSTALLED, so it has not read generated code"; \
	fi
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo "iac: node and npm are NOT INSTALLED, so no other grammar has read generated Bicep"; \
	elif ! $(MAKE) --silent $(GRAMMAR); then \
		echo "iac: npm CANNOT FETCH the grammar of Bicep, so it has not read generated Bicep"; \
	else \
		go test -count=1 -tags bicepsyntax -run BicepSyntax ./internal/e2e; \
	fi

$(GRAMMAR): tools/bicep-syntax/package-lock.json
	npm --prefix tools/bicep-syntax ci --silent
	@touch $@

CYPHER := tools/cypher-syntax/node_modules/.package-lock.json

.PHONY: cypher
cypher: ## Neo4j's own parser and Graphviz read exports, where they are installed
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo "cypher: node and npm are NOT INSTALLED, so no parser of Neo4j has read exported Cypher"; \
	elif ! $(MAKE) --silent $(CYPHER); then \
		echo "cypher: npm CANNOT FETCH the parser of Neo4j, so it has not read exported Cypher"; \
	else \
		go test -count=1 -tags cyphersyntax -run 'CypherSyntax|Graphviz' ./plugins/local/graph/export ./internal/e2e; \
	fi

$(CYPHER): tools/cypher-syntax/package-lock.json
	npm --prefix tools/cypher-syntax ci --silent
	@touch $@

# The page of atg visualize: what it is built of, and what npm fetches for it.
PICTURE  := plugins/local/graph/picture
WEBTOOLS := $(PICTURE)/web/node_modules/.package-lock.json

.PHONY: web
web: $(WEBTOOLS) ## build the page of atg visualize after a change of plugins/local/graph/picture/web
	cd $(PICTURE)/web && node build.mjs ../bundle

.PHONY: web-current
web-current: ## the page of atg visualize is what its sources build, where node and npm are installed
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo "web-current: node and npm are NOT INSTALLED, so nobody knows whether the page is what its sources build"; \
	elif ! $(MAKE) --silent $(WEBTOOLS); then \
		echo "web-current: npm CANNOT FETCH the libraries, so nobody knows whether the page is what its sources build"; \
	else \
		out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; \
		(cd $(PICTURE)/web && node build.mjs "$$out"); \
		diff -rq "$$out" $(PICTURE)/bundle || { echo "run: make web"; exit 1; }; \
	fi

.PHONY: web-test
web-test: ## the page of atg visualize, and the documentation, work in Chromium, which root gets on Debian, and others have
	@browser() { command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable; }; \
	if ! browser >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "web-test: installing chromium"; \
		{ apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium; } >/dev/null 2>&1 || true; \
	fi; \
	if browser >/dev/null; then \
		go test -count=1 -tags browser -run Browser ./$(PICTURE); \
		axe=Accessible; \
		if ! command -v npm >/dev/null || ! $(MAKE) --silent $(AXE); then echo "web-test: npm CANNOT FETCH axe-core, so nobody but us says that the documentation is accessible"; else axe=; fi; \
		go -C tools/site test -count=1 -tags browser -run Browser $${axe:+-skip $$axe} .; \
	else \
		echo "web-test: Chromium is NOT INSTALLED, so no browser has opened the page of atg visualize, nor the documentation"; \
	fi

AXE := tools/site/axe/node_modules/.package-lock.json
$(AXE): tools/site/axe/package-lock.json
	npm --prefix tools/site/axe ci --silent
	@touch $@

$(WEBTOOLS): $(PICTURE)/web/package-lock.json
	npm --prefix $(PICTURE)/web ci --silent
	@touch $@

# The examples in Go are built and tested by make test. Debian's protoc is the one that has generated Python's code.
WITHGRPC = for python in $(PYTHON) /usr/bin/python3; do "$$python" -c 'import grpc, google.protobuf' 2>/dev/null && echo "$$python" && exit; done; exit 1
NODEEXAMPLE := examples/backend-node/node_modules/.package-lock.json
.PHONY: examples
examples: ## the backends in Python and Node, and those of atg backend new, pass atg backend test, and scan: root gets the packages on Debian, others have them
	@if ! { ($(WITHGRPC)) && command -v protoc; } >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "examples: installing python3-grpcio, python3-protobuf and protobuf-compiler"; \
		{ apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-grpcio python3-protobuf protobuf-compiler; } >/dev/null 2>&1 || true; \
	fi
	@go test -count=1 -tags foreign -run 'Foreign/^go' ./internal/e2e
	@if ! python=$$($(WITHGRPC)); then \
		echo "examples: Python's grpcio and protobuf are NOT INSTALLED, so the backend in Python has not been tried"; \
	else \
		ATG_PYTHON="$$python" go test -count=1 -tags foreign -run 'Foreign/^python' ./internal/e2e; \
	fi
	@if ! command -v protoc >/dev/null || [ "$$(protoc --version)" != "libprotoc 3.21.12" ]; then \
		echo "examples: protoc 3.21.12 is NOT INSTALLED, so nobody knows whether Python's generated code is current"; \
	else \
		out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; \
		protoc -I shared/rpc/proto --python_out="$$out" shared/rpc/proto/atg/backend/v1/*.proto; \
		diff -r -x __pycache__ "$$out/atg" examples/backend-python/src/atg || { echo "run: make proto"; exit 1; }; \
	fi
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo "examples: node and npm are NOT INSTALLED, so the backend in Node has not been tried"; \
	elif ! $(MAKE) --silent $(NODEEXAMPLE); then \
		echo "examples: npm CANNOT FETCH the packages of the backend in Node, so it has not been tried"; \
	else \
		go test -count=1 -tags foreign -run 'Foreign/^node' ./internal/e2e; \
	fi

$(NODEEXAMPLE): examples/backend-node/package-lock.json
	npm --prefix examples/backend-node ci --silent
	@touch $@

.PHONY: readme
readme: ## what README.md and CONTRIBUTING.md tell to type exists
	@targets=$$(sed -n 's/^\$$ make \([a-z-]*\).*/\1/p' README.md CONTRIBUTING.md); \
		for wanted in demo test; do grep -qx "$$wanted" <<<"$$targets" || { echo "README.md does not tell of make $$wanted"; exit 1; }; done; \
		for target in $$targets; do grep -q "^$$target:" Makefile || { echo "there is no make $$target"; exit 1; }; done

.PHONY: docs
docs: ## make of the code what docs/ says of it: docs/reference, the schema of specifications, what commands print
	go test -count=1 -run PublishedSchema ./plugins/local/tenant/spec -update
	go test -count=1 -run TheReferenceIsCurrent ./internal/docs -update
	go test -count=1 -run OutputIsDocumented ./host/cli -update

.PHONY: site
site: ## the documentation as a web site that needs no server: bin/site/index.html
	@mkdir -p bin
	@go -C tools/site run . -out "$(CURDIR)/bin/site"

# What a release is stands in .goreleaser.yaml. What programs generate for it is in bin/share. It wants to know whose the repository is, which not every
# clone does. One build at a time: programs stand in an archive in the order in which their builds ended.
RELEASE = PATH="$(abspath .cache):$$PATH" LICENSES=$(abspath $(SHARE)/doc/licenses.json) TAP_TOKEN="$${TAP_TOKEN-}" \
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://$(MODULE) $(GORELEASER) release --clean --parallelism 1
TAGGED  = $(shell git describe --exact-match --tags HEAD 2>/dev/null)

.PHONY: dist
dist: $(GORELEASER) share ## everything of a release but the images, into dist/: archives, packages, sums, bills of materials, a formula; nothing is published
	$(RELEASE) --skip=docker $(if $(TAGGED),--skip=publish$(comma)announce,--snapshot)

.PHONY: release
release: $(GORELEASER) share ## publish the release of the tag that HEAD has, as a draft: .github/workflows/release.yml
	$(RELEASE)

.PHONY: bundle
bundle: .cache/supplychain ## of what make dist has left, an archive for each platform that needs no network, into dist/offline/
	SOURCE_DATE_EPOCH=$(EPOCH) .cache/supplychain bundle -dist dist -o dist/offline

comma := ,

# What goreleaser gives a Dockerfile as its context: of the archives in a folder, in another one.
container-context = rm -rf $(2) && mkdir -p $(2) && cp -R --parents LICENSE $(SHARE)/doc/THIRD-PARTY.txt packaging/container/data $(2) && \
	for archive in $(1)/atg_*_linux_*.tar.gz; do arch=$${archive\#\#*_linux_}; arch=$${arch%.tar.gz}; \
		mkdir -p $(2)/linux/$$arch && tar -xzf "$$archive" --strip-components=1 -C $(2)/linux/$$arch; done

# BASE=… is another one than distroless; a release builds and pushes images of both processors itself.
BASE ?=
.PHONY: images
images: ## of what make dist has left, the images atg and atg-server for this machine, with docker or buildah
	@$(call container-context,dist,.cache/container)
	@arch=$$(go env GOARCH); for target in atg server; do \
		name=atg; [ $$target = atg ] || name=atg-server; \
		build="docker build"; docker info >/dev/null 2>&1 || build="buildah build"; \
		$$build --platform linux/$$arch --target $$target $(if $(BASE),--build-arg BASE=$(BASE)) --tag $$name:$(VERSION) --file packaging/container/Dockerfile .cache/container; \
	done

# The tool is ours: go build knows what has changed.
.PHONY: .cache/supplychain
.cache/supplychain:
	@cd tools/supplychain && CGO_ENABLED=0 go build -trimpath -o ../../$@ .

.PHONY: licenses
licenses: .cache/supplychain ## every module that is linked into a program has a licence that lets us ship it; its notice goes to $(SHARE)/doc
	@.cache/supplychain notices -out $(SHARE)/doc -extra plugins/local/graph/picture/bundle/LICENSES.txt ./cmd/...

.PHONY: share
share: man completions licenses ## what packages have beside the programs, into bin/share: manual pages, completions, notices
	@rm -rf $(SHARE)/man-gz && cp -R $(SHARE)/man $(SHARE)/man-gz && find $(SHARE)/man-gz -type f -exec gzip -9n {} +
	@gzip -9nkf $(SHARE)/doc/THIRD-PARTY.txt
	@printf 'atg (%s) unstable; urgency=medium\n\n  * See https://github.com/azure-tenant-grapher/atg/releases\n\n -- atg <atg@users.noreply.github.com>  %s\n' \
		"$(VERSION)" "$$(date -u -R -d @$(EPOCH))" | gzip -9nc >$(SHARE)/doc/changelog.gz

# As make dist, but of Linux on amd64 alone, and into a folder that nobody works with.
.PHONY: packages-built
packages-built: $(GORELEASER) share
	@{ sed -E '/^ *goos:/s/\[.*\]/[linux]/; /^ *goarch:/s/\[.*\]/[amd64]/' .goreleaser.yaml; echo 'dist: .cache/dist'; } >.cache/goreleaser.yaml
	@$(RELEASE) --config .cache/goreleaser.yaml --snapshot --skip=docker >.cache/goreleaser.log 2>&1 || { cat .cache/goreleaser.log; exit 1; }

.PHONY: packages
packages: build packages-built reproducible-build ## packages, archives and images for this machine are built, the same twice, and used: root on Debian installs them below a layer that is thrown away
	@if [ "$$(id -u)" != 0 ] || ! command -v dpkg >/dev/null || ! unshare --mount true 2>/dev/null; then \
		echo "packages: this is NOT ROOT ON DEBIAN with a mount namespace, so no package has been installed"; \
	else \
		for program in rpm buildah ruby; do \
			command -v $$program >/dev/null || { echo "packages: installing $$program"; { apt-get -qq update && apt-get -qq install -y --no-install-recommends $$program; } >/dev/null 2>&1 || true; }; \
		done; \
		$(call container-context,.cache/dist,.cache/container); \
		SOURCE_DATE_EPOCH=$(EPOCH) .cache/supplychain bundle -dist .cache/dist -o .cache/dist/offline; \
		go test -c -tags packages -o .cache/packages.test ./internal/e2e/packages; \
		cd internal/e2e/packages && unshare --mount --propagation private $(abspath .cache/packages.test) -test.timeout 5m -dist $(abspath .cache/dist) -context $(abspath .cache/container) -sim $(abspath bin/atg-azuresim); \
	fi

.PHONY: reproducible-build
reproducible-build: packages-built ## the same sources in another folder, at another time and place, give the same bytes
	@umask 077; export TZ=Pacific/Auckland; other=$$(mktemp -d)/elsewhere; trap 'rm -rf "$${other%/*}"' EXIT; \
		git clone --quiet --no-checkout . "$$other"; \
		git ls-files -coz --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xf - --no-same-permissions -C "$$other"; \
		git -C "$$other" reset --quiet; \
		$(MAKE) --silent -C "$$other" packages-built >/dev/null; \
		diff .cache/dist/SHA256SUMS "$$other/.cache/dist/SHA256SUMS" || { echo "the same sources give other bytes elsewhere"; exit 1; }; \
		echo "reproducible-build: $$(wc -l <.cache/dist/SHA256SUMS) files are the same, built elsewhere"

.PHONY: chart
chart: ## the Helm chart renders to what Kubernetes takes
	cd tools/helm && go vet ./... && go test ./...

.PHONY: bench
bench: build ## one JSON line per figure
	@go run ./internal/e2e/bench -bin bin

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (30s)
	@files=$$(grep -rl --include='*_test.go' '^func Fuzz' . || true); \
		for file in $$files; do for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			echo "fuzz: $$target in $$(dirname "$$file")"; \
			(cd "$$(dirname "$$file")" && go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s .); \
		done; done

# SOAK=2m make soak is shorter; SEED=7 makes the same trouble again, as far as processes keep the same time.
SOAK ?= 30m
.PHONY: soak
soak: build ## the service under random trouble for SOAK (30m), then every leader killed, and two versions mixed
	go run ./internal/e2e/faults -bin bin -soak $(SOAK) $(if $(SEED),-seed $(SEED))
	@if git rev-parse -q --verify HEAD~1 >/dev/null; then \
		go test -count=1 -timeout 20m -tags soak -v ./internal/e2e/cluster -old HEAD~1; \
	else \
		echo "soak: the clone has NO HISTORY, so no other version was mixed with this one"; \
		go test -count=1 -timeout 20m -tags soak -skip Skew -v ./internal/e2e/cluster; \
	fi

.PHONY: faults
faults: build ## every fault at every step of a job, one after another; root also fills disks and memory
	go run ./internal/e2e/faults -bin bin

.PHONY: lint
lint: $(LINTER) $(BUF) ## the house law: .golangci.yml, buf lint, and at most 400 lines in a file
	@long=$$(find . -name '*.go' ! -name '*.pb.go' -exec awk 'FNR == 401 { print FILENAME }' {} +); \
		[ -z "$$long" ] || { echo "over 400 lines:"; echo "$$long"; exit 1; }
	$(LINTER) run ./...
	@for dir in $(BESIDE); do echo "lint: $$dir"; (cd $$dir && $(LINTER) run ./...); done
	cd shared/rpc && $(BUF) lint

.PHONY: format
format: $(LINTER) ## gofmt and goimports
	$(LINTER) fmt

.PHONY: proto
proto: $(BUF) $(PROTOC)/protoc-gen-go ## generate the RPC code; for Python too, with protoc 3.21.12, which Debian has
	cd shared/rpc && PATH="$(PROTOC):$$PATH" $(BUF) generate --output ../..
	@if [ "$$(protoc --version 2>/dev/null)" = "libprotoc 3.21.12" ]; then \
		for src in examples/backend-python host/scaffold/python; do \
			protoc -I shared/rpc/proto --python_out=$$src/src shared/rpc/proto/atg/backend/v1/*.proto; \
		done; \
	else \
		echo "proto: protoc 3.21.12 is NOT INSTALLED, so the example in Python keeps the code that it has"; \
	fi

.PHONY: schema
schema: ## derive what is known of Azure's resource types from its SDK
	go generate ./plugins/local/armschema

$(LINTER):
	@echo "building golangci-lint once; this takes some minutes"
	$(call install,golangci-lint)

$(BUF):
	$(call install,buf)

$(GITLEAKS):
	$(call install,gitleaks)

$(VULNCHECK):
	$(call install,govulncheck)

$(GORELEASER):
	@echo "building goreleaser once; this takes some minutes"
	$(call install,goreleaser)

$(PROTOC)/protoc-gen-go: # and protoc-gen-go-grpc
	$(call install,proto)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist .cache

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
