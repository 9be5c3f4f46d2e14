# Every target works from a fresh clone; `make help` lists them.

GO    ?= go
BIN   := bin
RUST  := sdk/rust
ASC   := sdk/assemblyscript
EXAMPLES := plugins/examples
RUST_EXAMPLES := $(EXAMPLES)/orders-rust $(EXAMPLES)/shop-rust
ASC_EXAMPLES  := $(EXAMPLES)/orders-assemblyscript $(EXAMPLES)/shop-assemblyscript
GO_EXAMPLE    := $(EXAMPLES)/orders-go
PEERS := runtime/sandbox/peers
GRAPH_PEERS := runtime/graph/peers
BENCH := cmd/bench
CORPUS := runtime/sandbox/testdata
REAL  := runtime/meter/testdata/real
TOOLS := scripts/with-tools.sh

# What each fuzz target gets: batches of so many executions, for so many seconds.
FUZZCOUNT ?= 1000
FUZZTIME  ?= 5
SOAKCOUNT ?= 10000
SOAKTIME  ?= 180
# How many random modules make soak compares, how many random guests give way, and the seed of the first.
SOAKMODULES ?= 100000
SOAKGUESTS  ?= 10000
SOAKSEED    ?= $$(date +%s)000000
# How often it kills a server on each store.
SOAKKILLS ?= 200
# For how long it breaks what it can under three servers, on each bus.
SOAKCHAOS ?= 5m
# How many random GraphQL requests it compares with graphql-js.
SOAKREQUESTS ?= 100000

.PHONY: help build run test test-go test-rust test-assemblyscript test-real race check check-go check-rust check-assemblyscript \
	fuzz bench bench-peers bench-servers soak golden plugins corpus deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/runnel-server and bin/runnel; needs Go alone
	$(GO) build -o $(BIN)/runnel-server ./cmd/server
	$(GO) build -o $(BIN)/runnel ./cmd/runnel

run: build ## the server on embedded defaults: tenant demo, example module, live orders
	@$(BIN)/runnel-server --dev

deps: ## install what the tests need besides Go, or say what is missing
	@scripts/install-deps.sh

test: deps test-go test-rust test-assemblyscript test-real ## every test: Go with seconds of fuzzing, Rust, AssemblyScript, end to end

# Without -count=1 Go would repeat what it found before: its cache does not see what tests
# have other programs read, such as the sources of a server or the import graph.
test-go:
	$(TOOLS) $(GO) test -count=1 ./...
	cd $(GO_EXAMPLE) && $(GO) test -count=1 ./...
	$(MAKE) $(BENCH)/gqlgen/graph/generated.go
	$(TOOLS) $(GO) test -C $(BENCH) -count=1 ./...
	$(MAKE) fuzz FUZZCOUNT=300 FUZZTIME=1

test-rust:
	$(TOOLS) cargo test --quiet --manifest-path $(RUST)/Cargo.toml --workspace --locked
	for crate in $(RUST_EXAMPLES); do $(TOOLS) cargo test --quiet --manifest-path $$crate/Cargo.toml --locked || exit 1; done
	$(TOOLS) cargo test --quiet --manifest-path $(CORPUS)/assemble/Cargo.toml --locked

test-assemblyscript:
	$(TOOLS) npm --prefix $(ASC) test
	for package in $(ASC_EXAMPLES); do $(TOOLS) npm --prefix $$package test || exit 1; done

test-real: # the outputs that the Go tests expect of published modules
	$(TOOLS) npm --prefix $(REAL) test

race: deps ## the Go tests under the race detector
	$(TOOLS) $(GO) test -race -count=1 ./...

check: deps check-go check-rust check-assemblyscript ## everything but the tests

check-go:
	@unformatted=$$($(GO) tool gofumpt -l abi cmd plugins runtime); \
	  if [ -n "$$unformatted" ]; then echo "not formatted by gofumpt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	cd $(GO_EXAMPLE) && $(GO) vet ./... && GOOS=wasip1 GOARCH=wasm $(GO) vet ./...
	$(GO) mod tidy -diff
	# Without cgo, so that a check does not download wasmtime.
	cd $(PEERS) && CGO_ENABLED=0 $(GO) vet ./...
	staticcheck=$$($(GO) tool -n staticcheck) && cd $(PEERS) && CGO_ENABLED=0 "$$staticcheck" ./...
	$(MAKE) $(GRAPH_PEERS)/gqlgen/generated.go
	cd $(GRAPH_PEERS) && $(GO) vet ./...
	staticcheck=$$($(GO) tool -n staticcheck) && cd $(GRAPH_PEERS) && "$$staticcheck" ./...
	$(MAKE) $(BENCH)/gqlgen/graph/generated.go
	# The load generator reads Linux's accounts of processes.
	staticcheck=$$($(GO) tool -n staticcheck) && for module in . floor gqlgen; do \
	  (cd $(BENCH)/$$module && $(GO) mod tidy -diff && GOOS=linux $(GO) vet ./... && GOOS=linux "$$staticcheck" ./...) || exit 1; done
	$(GO) test -count=1 -run '^TestImportRules$$' ./runtime

check-rust:
	$(TOOLS) cargo fmt --manifest-path $(RUST)/Cargo.toml --all --check
	for crate in $(RUST_EXAMPLES); do $(TOOLS) cargo fmt --manifest-path $$crate/Cargo.toml --check || exit 1; done
	$(TOOLS) cargo fmt --manifest-path $(PEERS)/testdata/orders-extism/Cargo.toml --check
	$(TOOLS) cargo fmt --manifest-path $(CORPUS)/assemble/Cargo.toml --check
	$(TOOLS) cargo clippy --quiet --manifest-path $(RUST)/Cargo.toml --workspace --all-targets --locked -- -D warnings
	for crate in $(RUST_EXAMPLES); do $(TOOLS) cargo clippy --quiet --manifest-path $$crate/Cargo.toml --all-targets --locked -- -D warnings || exit 1; done
	$(TOOLS) cargo clippy --quiet --manifest-path $(CORPUS)/assemble/Cargo.toml --all-targets --locked -- -D warnings

check-assemblyscript:
	$(TOOLS) npm --prefix $(ASC) run lint

fuzz: ## each Go fuzz target for FUZZTIME seconds
	GO=$(GO) scripts/fuzz.sh $(FUZZCOUNT) $(FUZZTIME)

soak: deps ## random modules against their originals and requests against graphql-js by the hundred thousand, servers and Redis killed by the hundred, chaos under three servers, then fuzz for minutes
	$(GO) test ./runtime/meter -run '^TestGenerated$$' -v -timeout 0 -generated $(SOAKMODULES) -seed $(SOAKSEED)
	$(GO) test ./runtime/sandbox -run '^TestRandomGuestsSeeNothingOfTheirPace$$' -v -timeout 0 -generated $(SOAKGUESTS) -seed $(SOAKSEED)
	$(TOOLS) $(GO) test ./runtime/graph -run '^TestDifferential$$' -v -timeout 0 -cases $(SOAKREQUESTS) -seed $(SOAKSEED)
	$(GO) test ./cmd/server -run '^TestKill$$' -v -timeout 0 -kills $(SOAKKILLS)
	$(GO) test ./runtime/event/redis -run '^TestKill$$' -v -timeout 0 -kills $(SOAKKILLS)
	$(GO) test ./cmd/server -run '^TestChaos$$' -v -timeout 0 -chaos $(SOAKCHAOS)
	$(MAKE) fuzz FUZZCOUNT=$(SOAKCOUNT) FUZZTIME=$(SOAKTIME)

bench: ## the benchmark tables; PEERFLAGS="-tenants 500" is quicker, -h lists the flags
	$(GO) test -run '^$$' -bench . -benchmem ./runtime ./runtime/broker ./runtime/sandbox ./runtime/graph ./runtime/jsondoc ./runtime/transport
	$(GO) test -run '^$$' -bench '^BenchmarkIdleConnection$$' -benchtime 1x ./cmd/server
	$(GO) test -run '^$$' -bench '^BenchmarkCost$$' -benchtime 1x ./runtime/meter
	$(GO) test -run '^$$' -bench '^BenchmarkEvents$$' -benchtime 1x ./runtime/event/postgres
	$(MAKE) $(GRAPH_PEERS)/gqlgen/generated.go
	$(GO) build -C $(GRAPH_PEERS) -o $(CURDIR)/$(BIN)/graph-peers .
	$(BIN)/graph-peers
	$(GO) build -C $(PEERS) -o $(CURDIR)/$(BIN)/peers .
	$(BIN)/peers -examples $(EXAMPLES) $(PEERFLAGS)

bench-peers: deps build bench-servers ## runnel-server beside gqlgen, graphql-ws and bare writes, as processes: minutes; BENCHFLAGS="-parts broadcast" is quicker, -h lists the flags
	$(GO) build -C $(BENCH) -o $(CURDIR)/$(BIN)/bench .
	$(TOOLS) $(BIN)/bench $(BENCHFLAGS)

bench-servers: $(BENCH)/gqlgen/graph/generated.go
	$(GO) build -C $(BENCH)/floor -o $(CURDIR)/$(BIN)/bench-floor .
	$(GO) build -C $(BENCH)/gqlgen -o $(CURDIR)/$(BIN)/bench-gqlgen .

# 9,500 lines of which nobody reads one.
$(GRAPH_PEERS)/gqlgen/generated.go: $(addprefix $(GRAPH_PEERS)/,schema.graphql gqlgen.yml go.mod)
	cd $(GRAPH_PEERS) && $(GO) tool gqlgen generate
	@touch $@

$(BENCH)/gqlgen/graph/generated.go: $(addprefix $(BENCH)/gqlgen/,schema.graphql gqlgen.yml go.mod)
	cd $(BENCH)/gqlgen && $(GO) tool gqlgen generate
	@touch $@

golden: ## rewrite the golden files
	$(GO) test ./runtime/meter ./runtime/graph ./runtime/transport ./runtime/tenant ./runtime/telemetry ./runtime/admin -update
	$(GO) test ./cmd/server -run TestListOfSettings -update

plugins: deps ## build the example and conformance modules from source
	for crate in $(RUST_EXAMPLES); do $(TOOLS) $(RUST)/build-wasm.sh $$crate $$crate/$$(basename $$crate).wasm || exit 1; done
	$(TOOLS) $(RUST)/build-wasm.sh $(RUST)/conformance $(RUST)/conformance/probe.wasm
	$(TOOLS) $(RUST)/build-wasm.sh $(PEERS)/testdata/orders-extism $(PEERS)/testdata/orders-extism.wasm
	$(TOOLS) npm --prefix $(ASC) run build
	for package in $(ASC_EXAMPLES); do $(TOOLS) npm --prefix $$package run build || exit 1; done
	$(MAKE) $(GO_EXAMPLE)/orders-go.wasm

.PHONY: $(GO_EXAMPLE)/orders-go.wasm
$(GO_EXAMPLE)/orders-go.wasm: # needs Go alone; the same Go gives the same bytes
	cd $(GO_EXAMPLE) && GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o $(@F)
	$(GO) run ./plugins/examples/withschema $@ $(GO_EXAMPLE)/schema.graphql

corpus: deps ## assemble the hostile modules of the sandbox's tests
	$(TOOLS) cargo run --quiet --manifest-path $(CORPUS)/assemble/Cargo.toml --locked -- $(CORPUS)/hostile

clean: ## remove what was built
	rm -rf $(BIN) $(RUST)/target $(addsuffix /target,$(RUST_EXAMPLES)) $(CORPUS)/assemble/target
