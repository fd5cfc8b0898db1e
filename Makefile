# `make report` runs the default study, `make test` the checks and tests. Both set up .venv first, from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= config.yaml
CORES ?= all

.PHONY: setup report test check lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "multibeta needs Python 3.11 or later, found " + sys.version.split()[0] + "; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

report: setup
	$(BIN)/snakemake --cores $(CORES) --configfile $(STUDY)
	@$(BIN)/python -c 'import sys, yaml; print("The report:", "results/" + yaml.safe_load(open(sys.argv[1]))["name"] + "/report.html")' $(STUDY)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

test: check
	$(BIN)/pytest

# After a change of the dependencies in pyproject.toml.
lock: setup
	$(BIN)/uv pip compile --universal --generate-hashes --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .snakemake results/* results/.data results/.state
