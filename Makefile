# demo and test are for everybody, and need Go only. The rest is for those who
# work on Zookit.

.PHONY: demo test diff lint race stress fuzz bench bench-boot peers conformance

# The main job on the embedded fake: a config watch, an ephemeral that dies
# with its session, a lock handed over.
demo:
	go run ./examples/quickstart

# All tests. Those that need Java, Python or C say so and are skipped where
# these are missing; with CI=true that is a failure.
test:
	go test -timeout 20m ./...

# Random programs on the fake and on a real server, in lock step: make diff
# N=1000000 VERSION=3.8 SEED=1. A difference is made shorter and kept as a case.
N ?= 100000
diff:
	go test ./conformance -run 'TestDiff$$' -timeout 0 -v -diff.progress -diff.keep testdata/diff \
		-diff.n $(N) $(if $(SEED),-diff.seed $(SEED)) $(if $(VERSION),-version $(VERSION))

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

# Needs a C compiler. What the tests of others and containers are about are
# processes, which the detector does not see; test has them.
race:
	go test -race -timeout 20m -skip 'Suite$$|TestConformance$$' $$(go list ./... | grep -v harness/docker)

# What new tests have to pass before they are merged.
stress:
	go test -race -count=200 -failfast -timeout 80m $(or $(PKG),./...) $(if $(RUN),-run '$(RUN)')

# Every fuzz target for a while: make fuzz FUZZTIME=1m
FUZZTIME ?= 5s
fuzz:
	@for pkg in $$(go list ./internal/... ./fakezk ./zk/...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$pkg || exit 1; \
		done; \
	done

# Speed side by side with peers and a real server, in one run; medians are in
# the tables at the end. What is compared with go-zookeeper takes turns, COUNT
# times. See docs/benchmarks.md.
COUNT ?= 5
bench:
	go test -run 'InABubble$$' -bench . -skip 'Beside|Pipeline' -benchmem -count $(COUNT) -timeout 60m ./internal/bench > bench.out || { cat bench.out; exit 1; }
	for i in $$(seq $(COUNT)); do go test -run '^$$' -bench 'Echo|Beside|Pipeline' -benchmem -timeout 60m ./internal/bench || exit 1; done > beside.out || { cat beside.out; exit 1; }
	go tool benchstat bench.out
	go run ./internal/bench/cmd/ratios < beside.out

# How long three real servers take to serve, here, by kazoo's harness and by
# Curator's. Needs Maven, a JDK and Debian's python3-kazoo.
bench-boot:
	go run ./internal/javazk/cmd/bootbench -count $(COUNT)

# The tests that kazoo and aiozk have of their own, on the fake and on a real
# server 3.8.0: each has to end as it is recorded in fakezk/peers/testdata.
peers:
	go test -count=1 -timeout 30m -v ./fakezk/peers -run 'Suite$$' -real

# Every case on the fake as each release, on real servers of each release and of
# three members, and in containers; the table goes to docs/conformance.md.
conformance:
	@{ go test -json -count=1 ./conformance -run 'TestFake$$'; \
	go test -json -count=1 -timeout 40m -parallel 4 ./conformance -run 'TestReal$$' -version all; \
	go test -json -count=1 -timeout 20m -parallel 4 ./conformance -run 'TestReal$$' -members 3; \
	go test -json -count=1 -timeout 20m ./harness/docker -run 'TestConformance$$'; } | \
	go run ./conformance/cmd/matrix > docs/conformance.new && mv docs/conformance.new docs/conformance.md
