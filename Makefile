# Everything works in .venv and folders named after it, and needs only Python 3.11, 3.12 or 3.13 and make. `make help`
# lists the targets.
#
# Choose the interpreter with PYTHON=python3.12. On Linux pip takes torch with CUDA, several gigabytes; for the small
# CPU build set PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu before `make test`.

PYTHON       ?= python3
VENV         := .venv
BASE_VENV    := .venv-base
MINIMUM_VENV := .venv-minimum
RAY_VENV     := .venv-ray
BLENDER_VENV := .venv-blender
BIN          := $(VENV)/bin
PIP          := $(BIN)/python -m pip --disable-pip-version-check

DEMO_OUTPUT := demo-output
VALIDATOR   := tests/glb_validator
VIEWER      := viewer

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo view serve test test-base test-minimum test-ray test-blender wheel-test check format docs page install install-dev clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## reconstruct the bundled photograph to demo-output/ (base install, no torch)
	$(BIN)/unveil demo --out $(DEMO_OUTPUT)
	@echo
	@echo "The results are in $(CURDIR)/$(DEMO_OUTPUT):"
	@ls $(DEMO_OUTPUT)
	@echo "demo_0_overlay.png shows the mesh on the photograph; demo_0.glb opens in any glTF viewer."
	@echo "Turn the head in the browser: make view. Bring your own photograph: make serve"

view: $(VENV)/.base ## show the heads of `make demo` in the browser
	$(BIN)/unveil view $(DEMO_OUTPUT)

serve: $(VENV)/.web ## install the extra web, then make heads of your own photographs in the browser
	$(BIN)/unveil serve

test: install-dev $(VALIDATOR)/node_modules/.stamp $(VIEWER)/node_modules/.stamp ## install the dev extra, torch included, and run all tests
	$(BIN)/python -m pytest

test-base: $(BASE_VENV)/.test ## run what the base install can prove, in .venv-base, which has no torch
	$(BASE_VENV)/bin/python -m pytest

test-minimum: $(MINIMUM_VENV)/.test ## the same with the lowest release of every dependency that pyproject.toml allows
	$(MINIMUM_VENV)/bin/python -m pytest
	$(MINIMUM_VENV)/bin/unveil demo --out $(DEMO_OUTPUT)

test-ray: $(RAY_VENV)/.test ## run what needs Ray, in .venv-ray
	$(RAY_VENV)/bin/python -m pytest tests/test_cluster.py tests/codes/test_ray.py tests/output/test_spreading.py

test-blender: $(BLENDER_VENV)/.test ## run what needs Blender, as a module of Python 3.11, in .venv-blender
	$(BLENDER_VENV)/bin/python -m pytest tests/integrations tests/meshes/test_blender.py

wheel-test: $(VENV)/.created ## build the wheel, install it into an empty environment elsewhere, and run the demo there
	rm -rf dist
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python tools/smoke_test_wheel.py dist/*.whl

check: install-dev ## lint, formatting, strict types, and the rules on who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: install-dev ## let ruff format the code and fix what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(VENV)/.docs ## build the documentation into site/, complaining about every dead link
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open $(CURDIR)/site/index.html"

install: $(VENV)/.base ## base install into .venv: reconstructs, without torch

install-dev: $(VENV)/.dev ## editable install into .venv with everything that the tests need

clean: ## remove results and caches, keep the environments
	rm -rf $(DEMO_OUTPUT) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environments and node_modules too
	rm -rf $(VENV) $(BASE_VENV) $(MINIMUM_VENV) $(RAY_VENV) $(BLENDER_VENV) $(VALIDATOR)/node_modules $(VIEWER)/node_modules

# A stamp is written when its step has finished, so that an interrupted step runs again and a finished one does not.

$(VENV)/.created $(BASE_VENV)/.created $(MINIMUM_VENV)/.created $(RAY_VENV)/.created $(BLENDER_VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "unveil needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1);" \
		     "name another one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(@D)
	@touch $@

$(VENV)/.base: pyproject.toml | $(VENV)/.created
	$(PIP) install --editable .
	@touch $@

$(VENV)/.web: pyproject.toml | $(VENV)/.created
	$(PIP) install --editable '.[web]'
	@touch $@ $(VENV)/.base

$(VENV)/.dev: pyproject.toml | $(VENV)/.created
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.base

$(VENV)/.docs: pyproject.toml | $(VENV)/.created
	$(PIP) install --editable '.[docs]'
	@touch $@ $(VENV)/.base

$(BASE_VENV)/.test: pyproject.toml | $(BASE_VENV)/.created
	$(BASE_VENV)/bin/python -m pip --disable-pip-version-check install --editable '.[test]'
	@touch $@

$(MINIMUM_VENV)/.test: pyproject.toml | $(MINIMUM_VENV)/.created
	$(MINIMUM_VENV)/bin/python tools/minimum_versions.py > $(MINIMUM_VENV)/constraints.txt
	$(MINIMUM_VENV)/bin/python -m pip --disable-pip-version-check install \
		--constraint $(MINIMUM_VENV)/constraints.txt --editable '.[test,web]'
	@touch $@

$(RAY_VENV)/.test: pyproject.toml | $(RAY_VENV)/.created
	$(RAY_VENV)/bin/python -m pip --disable-pip-version-check install --editable '.[ray,test]'
	@touch $@

# bpy asks for an older NumPy than unveil does, and works with a newer one; hence its dependencies by name.
$(BLENDER_VENV)/.test: pyproject.toml | $(BLENDER_VENV)/.created
	$(BLENDER_VENV)/bin/python -m pip --disable-pip-version-check install --editable '.[test]' cython requests zstandard
	$(BLENDER_VENV)/bin/python -m pip --disable-pip-version-check install --no-deps bpy==5.0.1
	@touch $@

# The Khronos glTF validator and the build of the page run on Node. Their tests say that they are skipped where these
# could not be installed.
$(VALIDATOR)/node_modules/.stamp $(VIEWER)/node_modules/.stamp: %/node_modules/.stamp: %/package-lock.json
	@if command -v npm >/dev/null && npm ci --prefix $* --ignore-scripts --no-audit --no-fund; \
	then touch $@; else echo "$*: no packages (npm is missing or failed), so its tests will be skipped"; fi

page: $(VIEWER)/node_modules/.stamp ## build the page of `unveil view` from viewer/ into the package
	npm run build --prefix $(VIEWER)
