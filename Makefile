# The everyday commands. Each one installs what it needs first (as root; otherwise it says what is missing).
.PHONY: help build install run test lint format protos types bench relink clean
.DEFAULT_GOAL := help

PRODUCTS := substrate-host substrate-plugin substrate-supervisor substrate-launch substrate-unpack substrate-bench
SOURCES := Package.swift Sources Tests
SCRIPTS := plugins sdk examples

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

build: ## build the release binaries into .build/release
	@.ci/install build
	swift build -c release
	@for product in $(PRODUCTS); do test -x .build/release/$$product || { echo "missing .build/release/$$product" >&2; exit 1; }; done

# Where it goes; DESTDIR is for packages.
PREFIX ?= /usr/local
BUILD ?= .build/release

install: ## put what was built into PREFIX (default /usr/local)
	@for product in $(filter-out substrate-bench,$(PRODUCTS)); do test -x $(BUILD)/$$product || { echo "missing $(BUILD)/$$product: make build" >&2; exit 1; }; done
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/substrate-host
	install -m 0755 $(addprefix $(BUILD)/,$(filter-out substrate-bench,$(PRODUCTS))) $(DESTDIR)$(PREFIX)/bin
	cp -R plugins sdk examples $(DESTDIR)$(PREFIX)/share/substrate-host

run: build ## take the counter through Run, Checkpoint and Restore, and show each phase
	.build/release/substrate-host demo

test: ## build and run every test; ends with "N passed, N failed"
	@.ci/install test
	swift build -c release --product substrate-supervisor
	swift build --build-tests
	@SUBSTRATE_TEST_RELEASE=1 .ci/test $(if $(FILTER),--filter '$(FILTER)')

lint: ## check the format of every Swift file, and every script by luacheck
	swift format lint --strict --recursive --parallel $(SOURCES)
	luacheck --quiet $(SCRIPTS)

format: ## rewrite every Swift file in the house format
	swift format --in-place --recursive --parallel $(SOURCES)

protos: ## generate the C of the protobuf messages anew (a test compares it)
	@.ci/install test
	@.ci/protos

types: ## write the types, the reference and the linter's settings from the one table (a test compares)
	swift run substrate-plugin types .

bench: build ## measure the host beside its floors
	.build/release/substrate-bench

relink: build ## leave the objects and link lines of the static binaries in .build/relink (LGPL), and try them
	@.ci/relink release

clean: ## remove what was built
	rm -rf .build
