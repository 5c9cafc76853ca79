# Every step of .ci/run by hand, and what takes longer than CI allows.
SHELL = bash
.PHONY: all build test race test-real lint vet-cross fmt fmt-check tidy-check ci clean \
	servers-up servers-down soak torture results bench writers screens

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOLANGCI_VERSION = v2.15.0
GOLANGCI = .cache/bin/golangci-lint-$(GOLANGCI_VERSION)
LDFLAGS = -s -w
# Packages of the module; bench/ is a module of its own.
PKGS = ./...

all: build

build:
	go build -trimpath -ldflags '$(LDFLAGS)' -o logctl .

# Quick tests on the embedded servers.
test:
	go test $(PKGS)

# The same under the race detector, with totals. Two packages at a time: the servers in them want room.
race:
	@set -o pipefail; go test -race -p 2 -timeout 40m -json $(PKGS) | go run ./.ci/gotest

# Once more on the servers of `make servers-up`, or on your own by LOGCTL_TEST_KAFKA and LOGCTL_TEST_ETCD.
# Packages that never ask for a server come from the test cache.
test-real:
	@set -o pipefail; [ -n "$$LOGCTL_TEST_KAFKA" ] || . .cache/servers.env; \
	go test -race -p 1 -timeout 40m -json $(PKGS) | go run ./.ci/gotest

lint: $(GOLANGCI)
	$(GOLANGCI) run $(PKGS)
	cd bench && ../$(GOLANGCI) run --config ../.golangci.yml $(PKGS)
	cd writers && ../$(GOLANGCI) run --config ../.golangci.yml $(PKGS)

$(GOLANGCI):
	@mkdir -p .cache/bin
	GOBIN=$(CURDIR)/.cache/bin/tmp go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .cache/bin/tmp/golangci-lint $@ && rmdir .cache/bin/tmp

vet-cross:
	GOOS=linux go vet $(PKGS)
	GOOS=windows go vet $(PKGS)
	GOOS=darwin go vet $(PKGS)
	cd bench && go vet $(PKGS)
	cd writers && go vet $(PKGS)

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

# The model test of the file follower with many more cases.
soak:
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

# The pictures of the README, from the demo.
screens: build
	@.ci/screens

ci:
	@bash .ci/run

clean:
	.ci/servers down 1
	.ci/servers down 3
	rm -rf .cache logctl
