# The commands of a working day. The work is done by the scripts in .ci; `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run test test-fast bench format lint sanitize clean
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

sanitize: ## the tests that need no real broker, under the thread and the address sanitizer
	@.ci/setup build
	env -u KAFKA_BOOTSTRAP_SERVERS swift test --sanitize=thread --scratch-path .build-tsan --skip '$(NEEDS_SERVERS)' $(ARGS)
	env -u KAFKA_BOOTSTRAP_SERVERS swift test --sanitize=address --scratch-path .build-asan --skip '$(NEEDS_SERVERS)' $(ARGS)

bench: ## measures; each figure beside its baseline, in one run
	@.ci/setup bench
	@exec Benchmarks/run $(ARGS)

format: ## lays out every Swift file
	@swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

lint: ## checks the layout
	@exec .ci/lint

clean: ## removes builds and what tests left behind
	rm -rf .build .build-tsan .build-asan .test-servers

# Suites that talk to real servers live in Tests/IntegrationTests or have RealBroker or RealObjectStores in their name.
NEEDS_SERVERS := IntegrationTests|RealBroker|RealObjectStores
