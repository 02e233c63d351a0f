# A short front for meson and ninja. `make demo` and `make check` are all a newcomer needs.
BUILD  ?= build
PREFIX ?= /usr/local
SANITIZE = -Dbuildtype=debugoptimized -Db_lundef=false -Dwerror=true

.PHONY: all demo check asan tsan fuzz bench install format help clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

demo: ## build what is missing and show a job reading a secret with a token of its own
	@tools/install_deps build
	@$(MAKE) --no-print-directory all
	@examples/demo.sh

check: ## every test; the last line says "N passed, N failed"
	@tools/install_deps build test
	@tools/check

asan: build-asan/build.ninja ## build-asan/, with AddressSanitizer and UBSan
	@ninja -C build-asan

tsan: build-tsan/build.ninja ## build-tsan/, with ThreadSanitizer
	@ninja -C build-tsan

fuzz: ## run every libFuzzer target for FUZZ_SECONDS (60) each
	@tools/install_deps build fuzz
	@tools/fuzz

bench: ## measure and rewrite docs/performance.md
	@tools/install_deps build bench
	@$(MAKE) --no-print-directory all
	@SERAI_BIN_DIR=$(BUILD) bench/run

install: all ## put serai (and its names vault and nomad) under PREFIX (/usr/local)
	@meson configure $(BUILD) --prefix $(PREFIX)
	@meson install -C $(BUILD) --quiet

format: ## clang-format all C sources
	@tools/format

clean: ## remove all build folders
	rm -rf build build-*

help:
	@echo "make          build into $(BUILD)/"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: run tools/install_deps build" >&2; exit 1; }
	@meson setup $(BUILD)

build-asan/build.ninja:
	@meson setup build-asan -Db_sanitize=address,undefined $(SANITIZE)

build-tsan/build.ninja:
	@meson setup build-tsan -Db_sanitize=thread $(SANITIZE)
