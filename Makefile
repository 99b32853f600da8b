# The commands of the README and the few that a developer needs; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CONFIGURATION ?= Release
RUNTIME ?= linux-x64
# What the published webhook is compiled for ahead of time; an older processor compiles it again at start.
INSTRUCTIONS ?= $(if $(findstring x64,$(RUNTIME)),--instruction-set:x86-64-v3)
PUBLISH = dotnet publish -c Release -r $(RUNTIME) -v q -p:DebugType=none -p:CopyOutputSymbolsToPublishDirectory=false \
  -p:NuGetLockFilePath=obj/publish.lock.json -p:PublishDocumentationFiles=false --artifacts-path artifacts/build -o artifacts/publish
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1
# Programs look for the runtime here when the SDK stands in a folder of the user's own.
export DOTNET_ROOT ?= $(patsubst %/,%,$(dir $(realpath $(shell command -v dotnet))))

SETTINGS := $(wildcard Directory.*.props global.json .editorconfig)
# Folders too: their time changes when a file is removed.
SOURCES := $(SETTINGS) $(shell find src webhook \( -name bin -o -name obj \) -prune -o -print)

.PHONY: help build demo test test-fast lint publish bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/gates bin/gates-webhook ## build bin/gates and bin/gates-webhook

# A program's folder under bin/publish is made anew, so that it holds nothing of an earlier build.
bin/gates: $(SOURCES)
	@rm -rf bin/publish/gates
	dotnet publish src/Governance.Gates.Cli -c $(CONFIGURATION) -o bin/publish/gates -v q
	@ln -sfn publish/gates/gates $@ && touch -h $@

# After bin/gates: both build the same libraries.
bin/gates-webhook: $(SOURCES) | bin/gates
	@rm -rf bin/publish/gates-webhook
	dotnet publish webhook/Governance.Gates.Webhook -c $(CONFIGURATION) -o bin/publish/gates-webhook -v q
	@ln -sfn publish/gates-webhook/gates-webhook $@ && touch -h $@

demo: build ## show the gate at work on loopback; KEEP=DIR keeps what it made
	@dotnet run --project demo/Governance.Gates.Demo -c $(CONFIGURATION) -v q -- bin "$(KEEP)"

test: build ## run every test, with a real API server, registry, cosign and kubectl
	@tests/prepare.sh test
	@tests/run.sh $(CONFIGURATION) Governance.Gates.Tests Governance.Gates.Conformance Governance.Gates.Cluster

test-fast: ## run the tests that need nothing but the .NET SDK
	@tests/run.sh $(CONFIGURATION) Governance.Gates.Tests

lint: ## check formatting, scripts, workflows, YAML and JSON
	@tests/prepare.sh lint
	@tests/lint.sh

publish: ## publish both programs as self-contained single files into artifacts/; needs a C linker
	@tests/prepare.sh publish
	@$(PUBLISH) src/Governance.Gates.Cli -p:PublishAot=true -p:CppCompilerAndLinker=gcc
	@$(PUBLISH) webhook/Governance.Gates.Webhook --self-contained -p:PublishTrimmed=true -p:PublishReadyToRun=true -p:PublishReadyToRunCrossgen2ExtraArgs=$(INSTRUCTIONS) -p:PublishSingleFile=true
	@rm -f artifacts/publish/*.json artifacts/publish/*.xml artifacts/publish/*.dbg
	@ls -l artifacts/publish

bench: publish ## measure what docs/performance.md promises, and write it anew
	@tests/prepare.sh bench
	@dotnet run --project tests/Governance.Gates.Benchmarks -c Release -v q

clean: ## remove everything that was built
	rm -rf bin artifacts TestResults
	find src webhook tests $(wildcard demo) -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
