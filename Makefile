# Every step of .ci/run by hand, and what takes longer than CI allows.
SHELL = bash
.PHONY: all build test race test-real lint vet-cross fmt fmt-check tidy-check ci clean \
	servers-up servers-down soak torture results bench writers screens toolchains check-386 helm-check monitoring-check versions-check

# The version of a build: the tag's; between tags the one to come, of CHANGELOG.md, marked as not yet released: -preN
# is a version to semver, dpkg, rpm and apk, and lower than the release for each of them.
VERSION ?= $(shell git describe --tags --exact-match --match 'v*' 2>/dev/null | sed 's/^v//' | grep . || \
	echo "$$(sed -n 's/^## \[*\([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1 | grep . || echo 0.0.0)-pre$$(git rev-list --count HEAD 2>/dev/null || echo 0)")
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
COMMIT_DATE ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
GOLANGCI_VERSION = v2.15.0
GOLANGCI = .cache/bin/golangci-lint-$(GOLANGCI_VERSION)
CLI = logctl/internal/cli
LDFLAGS = -s -w -X $(CLI).version=$(VERSION) -X $(CLI).commit=$(COMMIT) -X $(CLI).date=$(COMMIT_DATE)
TAGS ?=
# Packages of the module; bench/ is a module of its own.
PKGS = ./...

all: build

# Every target with the first sentence of the comment above it.
help:
	@awk '/^# / { text = in_comment ? text " " substr($$0, 3) : substr($$0, 3); in_comment = 1; next } { in_comment = 0 } /^$$/ { text = ""; next } \
	  /^[a-z][a-z0-9-]*:/ && text != "" { split($$0, t, ":"); sub(/\. .*/, ".", text); gsub(/\$$\$$/, "$$", text); printf "  %-16s %s\n", t[1], text; text = "" }' Makefile

# The binary, ./logctl. TAGS=$(HOST) builds the one for hosts: without the demo's servers, the console, and the decoders of
# tail-topic that have libraries of their own; with the tag console, as packages have it, without the servers alone. grpcnotrace leaves out pages of gRPC that nothing serves: they keep methods alive.
HOST = nodemo,grpcnotrace
build:
	go build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o logctl .

# Quick tests on the embedded servers. The limit is for what hangs: e2e alone takes 5 minutes of two free cores.
test:
	go test -timeout 40m $(PKGS)

# The same under the race detector, with totals. Two packages at a time: the servers in them want room.
race:
	@set -o pipefail; go test -race -p 2 -timeout 40m -json $(PKGS) | go run ./.ci/gotest

# Once more on the servers of `make servers-up`, or on your own by LOGCTL_TEST_KAFKA and LOGCTL_TEST_ETCD.
# Packages that never ask for a server come from the test cache.
test-real:
	@set -o pipefail; [ -n "$$LOGCTL_TEST_KAFKA" ] || . .cache/servers.env; \
	go test -race -p 1 -timeout 40m -json $(PKGS) | go run ./.ci/gotest

# golangci-lint, pinned.
lint: $(GOLANGCI)
	$(GOLANGCI) run $(PKGS)
	cd bench && ../$(GOLANGCI) run --config ../.golangci.yml $(PKGS)
	cd writers && ../$(GOLANGCI) run --config ../.golangci.yml $(PKGS)

$(GOLANGCI):
	@mkdir -p .cache/bin
	GOBIN=$(CURDIR)/.cache/bin/tmp go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .cache/bin/tmp/golangci-lint $@ && rmdir .cache/bin/tmp

# go vet for Linux, Windows and macOS.
vet-cross:
	GOOS=linux go vet $(PKGS)
	GOOS=windows go vet $(PKGS)
	GOOS=darwin go vet $(PKGS)
	cd bench && go vet $(PKGS)
	cd writers && go vet $(PKGS)

# gofmt.
fmt:
	gofmt -w $$(git ls-files '*.go')
fmt-check:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "gofmt: run make fmt for:"; echo "$$bad"; exit 1; }

tidy-check:
	go mod tidy -diff
	cd bench && go mod tidy -diff
	cd writers && go mod tidy -diff

# Real Kafka (KRaft) and etcd on loopback: eval "$$(make -s servers-up)". N=3 starts three brokers.
N ?= 1
servers-up:
	@.ci/servers up $(N)
servers-down:
	@.ci/servers down $(N)

# Crash states of the position store, simulated lives of the whole agent, and the model test of the follower, with many more cases.
soak:
	LOGCTL_CRASH_CASES=$${LOGCTL_CRASH_CASES:-10000} go test -timeout 60m -count=1 -run 'TestPowerCuts|TestFlippedBits|TestSyncsThatFail' ./agent/positions/
	LOGCTL_SIM_CASES=$${LOGCTL_SIM_CASES:-10000} go test -timeout 300m -count=1 -run 'TestSimulation' ./agent/
	TMPDIR=$$(test -w /dev/shm && echo /dev/shm || echo $${TMPDIR:-/tmp}) LOGCTL_MODEL_CASES=$${LOGCTL_MODEL_CASES:-50000} LOGCTL_RACE_CASES=$${LOGCTL_RACE_CASES:-20000} go test -timeout 120m -count=1 -run 'TestModel|TestRaces' ./agent/tail/

# Every fault and rotation scenario, long forms, on three real brokers and etcd: one line each, into e2e/RESULTS.md.
torture:
	@.ci/servers up 3 >/dev/null
	@rm -f .cache/torture.jsonl; . .cache/servers-3/env; \
	LOGCTL_TORTURE=1 LOGCTL_RESULTS=$(CURDIR)/.cache/torture.jsonl go test -timeout 120m -count=1 -p 1 -json ./e2e/... | go run ./.ci/gotest; \
	rc=$$?; .ci/servers down 3; \
	go run ./e2e/results -in .cache/torture.jsonl -out e2e/RESULTS.md -on "three Apache Kafka brokers and etcd"; \
	grep '^|' e2e/RESULTS.md; exit $$rc

# e2e/RESULTS.md from what the scenarios appended to a file named by LOGCTL_RESULTS.
RESULTS ?= .cache/torture.jsonl
SERVERS ?= the embedded servers
results:
	@go run ./e2e/results -in $(RESULTS) -out e2e/RESULTS.md -on "$(SERVERS)"
	@grep '^|' e2e/RESULTS.md

# Side-by-side figures into bench/RESULTS.md. Starts its own servers. BENCH_FLAGS="-only throughput -rounds 1" for less.
bench: build
	@cd bench && go run . -logctl ../logctl $(BENCH_FLAGS)

# Real programs that write logs, counted lines, into docs/writers.md. Installs them below .cache/writers;
# WRITERS_FLAGS="-packages" brings the Debian packages too, "-only spdlog -modes live" is less.
writers: build
	@cd writers && go run . -logctl ../logctl $(WRITERS_FLAGS)

# The built program against real servers of many versions, into the table of docs/servers.md: fetches and builds them below
# .cache/matrix, some minutes. MATRIX_FLAGS="-only kafka-3.9.1" for one row.
.PHONY: servers-matrix
servers-matrix: build
	go run ./.ci/matrix $(MATRIX_FLAGS)

# The pages of commands and settings, from the program's own tables.
.PHONY: docs
docs:
	go run ./internal/manual/write -docs docs

# Where the archives of a release will be.
REPOSITORY ?= https://github.com/logctl/logctl
GORELEASER_VERSION = v2.15.1
GORELEASER = .cache/bin/goreleaser-$(GORELEASER_VERSION)
CYCLONEDX_VERSION = v1.10.0
CYCLONEDX = .cache/bin/cyclonedx-$(CYCLONEDX_VERSION)/cyclonedx-gomod
RELEASE = PATH=$(CURDIR)/$(dir $(CYCLONEDX)):$$PATH LOGCTL_REPOSITORY=$(REPOSITORY) LOGCTL_VERSION=$(VERSION) LOGCTL_COMMIT=$(COMMIT) \
	LOGCTL_DATE=$(COMMIT_DATE) LOGCTL_TIMESTAMP=$(shell git log -1 --format=%ct 2>/dev/null) $(GORELEASER) release --snapshot --clean

release-times: ## an apk takes the times of its scripts from the files; a checkout gives them those of today
	@touch -d @$$(git log -1 --format=%ct) deploy/package/*

# Everything of a release into dist/, published nowhere: archives, packages, checksums, bills of materials, recipes, image.
release: $(GORELEASER) $(CYCLONEDX) release-times
	$(RELEASE)
	@$(MAKE) -s image

image:
	cd deploy/image && go run . -dist ../../dist -out ../../dist/image -version $(VERSION) -commit $(COMMIT) -date $(COMMIT_DATE) -source $(REPOSITORY)
	@du -sh dist/image | awk '{ print "image layout: " $$1 }'

# The part of a release that runs on this machine: three binaries, three packages, one image.
release-one: $(GORELEASER) $(CYCLONEDX) release-times
	sed -e 's/goos: \[linux, darwin, windows\]/goos: [linux]/' -e 's/goarch: \[amd64, arm64\]/goarch: [amd64]/' .goreleaser.yaml >.cache/goreleaser-one.yaml
	$(RELEASE) --config .cache/goreleaser-one.yaml --skip=homebrew,scoop,winget,aur
	@$(MAKE) -s image

# Built twice, from two directories: each file must have the same bytes.
release-check:
	@.ci/release-check

# The deb by dpkg and the rpm by rpm, into roots of their own; needs root and debootstrap.
packages-check:
	@.ci/packages-check

# The licences of all modules in the binary against a list of those that may be.
licences:
	cd .ci/licences && go run . -root ../..

# Known vulnerabilities in code that is called. The list comes from vuln.go.dev; without a way there nothing is checked, and that is said.
GOVULNCHECK_VERSION = v1.9.0
GOVULNCHECK = .cache/bin/govulncheck-$(GOVULNCHECK_VERSION)/govulncheck
vuln: $(GOVULNCHECK)
	@out=$$($(GOVULNCHECK) $(PKGS) 2>&1); rc=$$?; echo "$$out" | tail -40; \
	if [ $$rc -eq 1 ] && echo "$$out" | grep -q 'fetching vulnerabilities'; then echo "vuln: NOT CHECKED, vuln.go.dev cannot be reached from here"; exit 0; fi; exit $$rc

$(GOVULNCHECK):
	GOBIN=$(CURDIR)/$(dir $@) GOFLAGS= go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

# Go releases beside go.mod's own under which everything must build and pass: the newest of the two lines that are maintained.
# TOOLCHAINS=go1.27.4 takes one; Go fetches what is not here.
TOOLCHAINS ?= go1.26.11 go1.27.4
KEY_PKGS = ./agent/... ./consumer/... ./etcdcfg ./internal/...
toolchains:
	@set -e; for t in $(TOOLCHAINS); do export GOTOOLCHAIN=$$t; echo "toolchains: $$(go version)"; \
	  go build -o /dev/null . ; go vet $(PKGS); go test $(KEY_PKGS); done

# The packages that count bytes and offsets, where int has 32 bits: vet, lint and tests, run by this kernel.
COUNTING_PKGS = ./agent/tail/internal/... ./agent/positions ./agent/ship ./agent/transform ./agent/report ./agent/lookback ./consumer/... ./internal/glob ./internal/verify
check-386: export GOARCH = 386
check-386: export CGO_ENABLED = 0
check-386: $(GOLANGCI)
	go vet ./agent ./agent/tail $(COUNTING_PKGS)
	$(GOLANGCI) run ./agent/tail $(COUNTING_PKGS)
	go test $(COUNTING_PKGS)
	go test -skip TestSimulation ./agent

# The Helm chart by helm itself: lint and template.
HELM_VERSION = v3.22.0
HELM = .cache/bin/helm-$(HELM_VERSION)
helm-check: $(HELM)
	LOGCTL_HELM=$(CURDIR)/$(HELM) go test -count=1 -run TestHelm ./deploy
$(HELM):
	GOBIN=$(CURDIR)/.cache/bin/tmp-helm GOFLAGS= go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)
	@mv .cache/bin/tmp-helm/helm $@ && rmdir .cache/bin/tmp-helm

# Dashboards and alert rules on a real Prometheus that scrapes an agent; needs prometheus and promtool.
monitoring-check:
	@command -v prometheus promtool >/dev/null || { echo "monitoring-check: needs prometheus (Debian: apt-get install prometheus)" >&2; exit 1; }
	go test -count=1 -run 'TestMonitoring|TestAlerts' ./deploy
	go test -count=1 -run TestDashboards ./e2e

# Agents and consoles of an earlier version beside those of this one. OLD=commit takes another.
versions-check:
	@.ci/versions-check

# What each module weighs in ./logctl, largest first (symbols of code and data; needs no stripped binary).
sizes:
	@go build -trimpath -tags '$(TAGS)' -o .cache/logctl-symbols . && .ci/sizes .cache/logctl-symbols

$(GORELEASER):
	@mkdir -p .cache/bin
	GOBIN=$(CURDIR)/.cache/bin/tmp-gr GOFLAGS= go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	@mv .cache/bin/tmp-gr/goreleaser $@ && rmdir .cache/bin/tmp-gr
$(CYCLONEDX):
	GOBIN=$(CURDIR)/$(dir $@) GOFLAGS= go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

# The pictures of the README, from the demo.
screens: build
	@.ci/screens

# What CI runs: everything of a fresh clone.
ci:
	@bash .ci/run

clean:
	.ci/servers down 1
	.ci/servers down 3
	rm -rf .cache logctl

# Every fuzz target, one after another, each FUZZTIME long (an hour: FUZZTIME=1h), with a ceiling on memory, and lists that
# try to cost much (LISTS of them).
FUZZTIME ?= 60s
LISTS ?= 1000000
.PHONY: fuzz fuzz-lists notices
fuzz: fuzz-lists
	@FUZZTIME=$(FUZZTIME) .ci/fuzz
fuzz-lists:
	LOGCTL_LISTS=$(LISTS) go test -count=1 -timeout 0 -v -run TestListsStayWithinTheirBounds ./agent

# Licences and notices of everything that the binary carries, into THIRD_PARTY_NOTICES.
notices:
	@.ci/notices > THIRD_PARTY_NOTICES

# The Windows build under Wine (installed when missing): tests, service, counted lines. WINDOWS="e2e" for a part.
.PHONY: windows msi
windows:
	@.ci/windows/run $(WINDOWS)

# The installer for windows/amd64 into dist/, by Debian's wixl (installed when missing). MSI=install also installs and removes it under Wine.
msi:
	@VERSION='$(VERSION)' LDFLAGS='$(LDFLAGS)' .ci/windows/msi $(MSI)
