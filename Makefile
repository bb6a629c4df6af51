# The commands of a working day. The work is done by the scripts in .ci; `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run test test-fast bench instructions crash crash-archive fuzz format lint sanitize clean
MAKEFLAGS += --no-print-directory

# Arguments for the program or the test run: make run ARGS="--listen 127.0.0.1:8080"; make test ARGS="--filter Kafka"
ARGS ?=

help: ## lists these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## builds and starts a demo: broker, store, feed and a few workers in one process
	@exec .ci/start dev --demo $(ARGS)

test: ## every test, with real servers (a broker, or the cluster in KAFKA_BOOTSTRAP_SERVERS; object stores)
	@exec .ci/test $(ARGS)

test-fast: ## the tests that need no real server
	@.ci/setup build
	@exec env -u KAFKA_BOOTSTRAP_SERVERS swift test --skip '$(NEEDS_SERVERS)' $(ARGS)

sanitize: ## the tests that need no real server, under the thread and the address sanitizer
	@.ci/sanitize thread '$(NEEDS_SERVERS)' $(ARGS)
	@.ci/sanitize address '$(NEEDS_SERVERS)' $(ARGS)

crash: ## kill -9 of the node 200 times under load; its broker killed, stopped and gone; kill -9 of workers 50 times
	@exec .ci/crash 200 50 50

crash-archive: ## kill -9 of the archiver 2 x 50 times, of its object stores 2 x 10 times; ARGS="50 10 FILE.ndjson…"
	@exec .ci/archive $(or $(ARGS),50 10)

fuzz: ## ten million damaged inputs for every way in: make fuzz ARGS="--seed 7 --only tokens"
	@.ci/setup build
	BUILD_FUZZ=1 swift build -c release --scratch-path .build-fuzz -Xswiftc -enable-testing --product Fuzz
	@exec .build-fuzz/release/Fuzz $(ARGS)

bench: ## measures, each figure beside its baseline: Benchmarks/RESULTS.md; QUICK=1: in five minutes; ARGS=pages
	@.ci/setup bench
	@exec Benchmarks/run $(ARGS)

instructions: ## counts the instructions of a page, a batch and an emit: fails when they have grown
	@.ci/setup build
	@exec Benchmarks/Instructions/check $(ARGS)

format: ## lays out every Swift file
	@swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

lint: ## checks the layout
	@exec .ci/lint

clean: ## removes builds and what tests left behind
	rm -rf .build .build-tsan .build-asan .build-fuzz .test-servers

# Suites that talk to real servers live in Tests/IntegrationTests or have RealBroker or RealObjectStores in their name.
NEEDS_SERVERS := IntegrationTests|RealBroker|RealObjectStores
