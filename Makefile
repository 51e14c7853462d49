# Everything a user or developer runs. Each target sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-slow check format bench docs reference-cohort

help:
	@echo "make demo       set up, then the whole road on a simulated cohort; opens with demo/report.html"
	@echo "make test       set up, then the tests"
	@echo "make test-slow  also the long statistical tests"
	@echo "make check      style, types, import floors, docs = code"
	@echo "make format     mend the style"
	@echo "make bench      speed and memory, as tables"
	@echo "make docs       regenerate the generated pages"
	@echo "make reference-cohort  simulate the imaged cohort that figures are measured on (hours; goes on if stopped)"

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: .venv/.installed
	$(BIN)/plaquecast demo --size small --out demo

# one thread per process, as cases run: threads of several processes that wait for one another cost most of the time
test: .venv/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow"

test-slow: .venv/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

check: .venv/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house

format: .venv/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.installed
	for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python -m benchmarks.$$(basename $$script .py) || exit 1; done

docs: .venv/.installed
	$(BIN)/python benchmarks/make_docs.py
	$(BIN)/python -m benchmarks.simulated_vs_published

reference-cohort: .venv/.installed
	$(BIN)/plaquecast simulate --patients 150 --seed 2024 --repeat-scans 24 --workers 2 --out runs/reference-cohort
	$(BIN)/plaquecast run runs/reference-cohort --segmenter src/plaquecast/segment/reference --workers 2 --out runs/reference-run
	$(BIN)/plaquecast evaluate runs/reference-run --truth runs/reference-cohort
	$(BIN)/python -m benchmarks.reference_tables keep runs/reference-run runs/reference-cohort
