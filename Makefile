# SPDX-License-Identifier: Apache-2.0
# Short names for the common commands; meson and ninja do the work. Packages
# that are missing get installed first, by .ci/deps.sh.
BUILD ?= build
DEMO ?= build-demo
# Python packages that the tests compare with.
VENV ?= build-python

# Debian's meson, ninja and python3, which `make deps` installs, come before
# others that a version manager may have put in front.
export PATH := /usr/bin:/bin:$(PATH):/usr/sbin:/sbin

# Packages before configuration before the build, also under make -j.
.NOTPARALLEL:
.PHONY: build help deps-light deps demo test-tools test install bench bench-bindings
.PHONY: bench-serve bench-nginx bench-services bench-lambda fuzz abi bindings docs format
.PHONY: clean

build: deps-light $(BUILD)/build.ninja ## build everything that the machine has libraries for
	ninja -C $(BUILD)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

deps-light: ## install what the library, the command and the demo need
	@.ci/deps.sh light

deps: ## install what all of it needs: libtorch and the tests too
	@.ci/deps.sh full

# The folder of the demo has neither tests nor plugin, so that it needs little.
$(DEMO)/build.ninja:
	meson setup $(DEMO) -Dtests=false -Dtorch=disabled -Donnx=disabled

# Without cmocka the tests are left out here; `make test` adds them.
$(BUILD)/build.ninja:
	meson setup $(BUILD) -Dtests=$$(pkg-config --exists cmocka && echo true || echo false)

demo: deps-light $(DEMO)/build.ninja ## build, then classify sentences with the bundled model
	@ninja -C $(DEMO) --quiet
	@.ci/demo.sh $(DEMO)

# What the tests need beside the library.
test-tools: deps $(BUILD)/build.ninja
	@.ci/venv.sh $(VENV)
	@.ci/configure.sh $(BUILD) tests=true torch=enabled onnx=enabled serve=enabled lambda=enabled

test: test-tools ## build with libtorch, the ONNX checker and the server; run tests
	ninja -C $(BUILD)
	meson test -C $(BUILD) --no-rebuild --print-errorlogs

install: build ## install; DESTDIR is honoured
	meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig

bench: $(BUILD)/build.ninja ## measure beside ONNX Runtime, oneDNN, libtorch; TEXTS= a TSV
	@.ci/deps.sh bench
	@CI=true .ci/venv.sh $(VENV)-bench bench/requirements.txt
	@.ci/configure.sh $(BUILD) torch=enabled
	ninja -C $(BUILD) all bench-programs
	$(VENV)-bench/bin/python bench/bench.py $(BUILD) $(VENV)-bench/bin/python \
		$(if $(TEXTS),--texts $(TEXTS)) $(BENCH_OPTIONS)

bench-bindings: test-tools ## measure what Python, Go and Rust cost over C; TEXTS= a TSV
	ninja -C $(BUILD) all bench-programs
	python3 bench/bindings/bindings.py $(BUILD) $(VENV)/bin/python $(if $(TEXTS),--texts $(TEXTS))

bench-serve: test-tools ## load the server beside FastAPI on PyTorch and ONNX Runtime; TEXTS= a TSV
	@.ci/deps.sh bench
	@CI=true .ci/venv.sh $(VENV)-serve bench/serve/requirements.txt --system-site-packages
	ninja -C $(BUILD)
	python3 bench/serve/serve.py $(BUILD) $(VENV)-serve/bin/python --texts $(TEXTS) --rivals

bench-nginx: test-tools ## measure what nginx before the server costs; TEXTS= a TSV
	@.ci/deps.sh bench
	ninja -C $(BUILD)
	python3 bench/deploy/nginx.py $(BUILD) --texts $(TEXTS)

bench-services: test-tools ## load the Python services beside the guide's on PyTorch; TEXTS= a TSV
	@.ci/deps.sh bench
	@CI=true .ci/venv.sh $(VENV)-services examples/python/requirements.txt --system-site-packages
	ninja -C $(BUILD)
	python3 bench/deploy/services.py $(BUILD) $(VENV)-services/bin/python --texts $(TEXTS)

bench-lambda: test-tools ## start Lambda functions, in C, Python and the guide's on PyTorch
	@.ci/deps.sh deploy
	@.ci/deps.sh bench
	@CI=true .ci/venv.sh build-deploy/lambda tests/deploy/lambda/requirements.txt
	ninja -C $(BUILD)
	python3 bench/deploy/lambda.py $(BUILD) build-deploy/lambda/bin/python

fuzz: ## run the fuzz targets with clang, SECONDS= of each (default 30)
	@.ci/deps.sh ci
	@.ci/fuzz.sh $(SECONDS)

bindings: ## renew what is generated from the header; needs clang
	@.ci/deps.sh ci
	python3 -B bindings/generate.py

# Not --quiet: mkdocs counts no warnings then, and --strict lets them pass.
docs: ## build the site of docs/ into build-docs/
	@.ci/deps.sh docs
	@CI=true .ci/venv.sh build-deploy/site docs/site/requirements.txt
	@NO_MKDOCS_2_WARNING=1 build-deploy/site/bin/mkdocs build --strict \
		--config-file docs/site/mkdocs.yml
	@echo build-docs/index.html

abi: deps ## renew the ABI baseline after a deliberate change
	@.ci/abi.sh renew

format: ## format the C and C++ sources
	git ls-files '*.c' '*.h' '*.cpp' | xargs clang-format -i

clean: ## remove the build folders that these targets and .ci/run make
	rm -rf $(BUILD) $(DEMO) $(VENV) $(VENV)-bench $(VENV)-serve $(VENV)-services
	rm -rf build-aarch64 build-abi build-asan build-clang build-deploy build-docs build-fuzz
	rm -rf build-tsan
