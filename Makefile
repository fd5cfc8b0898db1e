# `make report` runs the default study, `make test` the checks and tests. Both set up .venv first, from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= config.yaml
CORES ?= all

.PHONY: setup report test check lock clean clean-results

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
	$(BIN)/pytest -n auto --dist worksteal

# After a change of the dependencies in pyproject.toml.
lock: setup
	$(BIN)/uv pip compile --universal --generate-hashes --extra dev pyproject.toml -o requirements.lock

# Caches and the environment; results and trained models stay.
clean:
	rm -rf $(VENV) .snakemake .pytest_cache .mypy_cache .ruff_cache build dist

# The results of one study and its trained models, by its config file; what several studies share in results/.data and
# results/.state stays.
clean-results: setup
	@test "$(origin STUDY)" != file || { echo "which results? make clean-results STUDY=config.yaml" >&2; exit 2; }
	@$(BIN)/multibeta check $(STUDY)
	@name=$$($(BIN)/python -c 'import sys; from multibeta.study import Study; print(Study.read(sys.argv[1]).name)' $(STUDY)) \
	  && rm -rf "results/$$name" && echo "Deleted results/$$name"
