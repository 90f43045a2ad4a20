# The commands of this project; `make help` lists them. The only prerequisites are Python 3.11 to 3.13,
# bash and the network for the first installation.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?=
WORKDIR ?= runs/drawn_faces
EXTRAS ?=
ARGS ?=
# Minutes that `make train` takes without the installation; --steps or --minutes in ARGS count instead.
MINUTES ?= 10
# One process for each core, at most eight, and each module within one of them: modules share expensive fixtures,
# Bazel's folder, a server or a browser among their tests, and never with other modules.
PARALLEL ?= -n logical --maxprocesses 8 --dist loadscope --no-loadscope-reorder

# Quieter TensorFlow: its lines about absent CUDA libraries are harmless.
export TF_CPP_MIN_LOG_LEVEL ?= 3

PY := $(VENV)/bin/python
comma := ,
# One stamp for each set of extras: an installation is repeated only when what it was made from has changed.
TRAIN_STAMP := $(VENV)/.installed-train$(if $(EXTRAS),-$(subst $(comma),-,$(EXTRAS)))
DEV_STAMP := $(VENV)/.installed-dev
DECLARED := setup.py pyproject.toml constraints.txt

.PHONY: help demo train test fuzz quick lint compare docs site bench lock clean distclean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo 'ARGS="..." is handed on:   make train ARGS="--steps=50"    make test ARGS="-k flags -x"'
	@echo 'PYTHON=/path/to/python3.12 picks the Python of a new .venv; EXTRAS=gpu adds the CUDA libraries'
	@echo 'WORKDIR=runs/other         is where `make train` writes'

# A virtual environment of the newest Python that fits.
$(VENV)/.created:
	@python="$$(tools/find_python.sh $(PYTHON))" && echo "Creating $(VENV) with $$python" && \
		"$$python" -m venv --clear $(VENV) && touch $@

# What training needs, and nothing more.
$(TRAIN_STAMP): $(DECLARED) | $(VENV)/.created
	tools/install.sh $(VENV) --constraint constraints.txt --editable ".$(if $(EXTRAS),[$(EXTRAS)])"
	@touch $@

# Training's needs, and the tests' and checks'.
$(DEV_STAMP): $(DECLARED) | $(VENV)/.created
	tools/install.sh $(VENV) --constraint constraints.txt --editable ".[dev,docs,evaluate,export,photos,app,serve,beam,jax]"
	@touch $@ $(VENV)/.installed-train

demo: $(TRAIN_STAMP) ## translate pictures with the shipped weights; writes runs/demo.png
	$(PY) -m lomit_tf.demo $(ARGS)

train: $(TRAIN_STAMP) ## train on the built-in drawn faces for MINUTES=10; results in runs/drawn_faces
	$(PY) -m lomit_tf.train --flagfile=drawn_faces.cfg --workdir=$(WORKDIR) \
		$(if $(or $(findstring -steps,$(ARGS)),$(findstring -minutes,$(ARGS))),,--minutes=$(MINUTES)) $(ARGS)

test: $(DEV_STAMP) ## run all tests, on all cores (PARALLEL= runs them one after the other)
	$(PY) -m pytest $(PARALLEL) $(ARGS)

quick: lint ## lint, and the tests that need no training: two minutes
	$(PY) -m pytest --quick -q $(PARALLEL) $(ARGS)

fuzz: $(DEV_STAMP) ## translate 2,000 photographs of every kind, drawn at random
	LOMIT_FUZZ=2000 $(PY) -m pytest tests/imaging/test_photo_fuzz.py $(ARGS)

lint: $(DEV_STAMP) ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m mypy

# Two hours for all six; --minutes in ARGS is for each of them.
compare: $(DEV_STAMP) ## train six methods for the same processor time, ARGS=--minutes=20; page in runs/compare/page
	$(PY) -m lomit_tf.compare_all $(ARGS)

docs: $(DEV_STAMP) ## build the documentation's site into build/site; fails on a broken link or a missing docstring
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet $(ARGS)
	@echo 'open build/site/index.html'

# npm is asked for before anything is installed.
site: ## build the page that translates in the visitor's own browser into build/page (needs npm)
	@command -v npm >/dev/null || { echo 'make site needs npm, which comes with Node.js 20 or newer: https://nodejs.org' >&2; exit 2; }
	@$(MAKE) --no-print-directory $(DEV_STAMP)
	$(PY) site/build.py $(ARGS)

bench: $(TRAIN_STAMP) ## time training and its parts
	$(PY) -m benchmarks $(ARGS)

lock: ## rewrite constraints.txt from setup.py (LOCK_ARGS=--upgrade takes the newest versions)
	tools/lock.sh $(PYTHON)

clean: ## remove caches and build output; keep .venv and runs
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.venv*' -not -path './.git/*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove .venv (runs are kept)
	rm -rf $(VENV) .venv-lock
