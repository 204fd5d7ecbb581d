PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: train test exhaustive lint ui bench chapter clean

train: $(INSTALLED)  ## set up, then train an LSTM on real data
	$(BIN)/mlcli train model=lstm

test: $(INSTALLED)  ## set up, then run the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

exhaustive: $(INSTALLED)  ## the tests, with every combination of model, optimizer and schedule
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m ''

lint: $(INSTALLED)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

ui: $(INSTALLED)  ## MLflow's UI on the runs of this folder
	$(BIN)/mlcli ui

bench: $(INSTALLED)  ## loop and start-up beside their peers, as ratios
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/loop.py
	$(BIN)/python benchmarks/startup.py

chapter: $(INSTALLED)  ## all experiments, and what they show into docs/gallery; ONLY=pca,maml for some
	$(BIN)/python scripts/chapter.py $(ONLY)

# torch comes first and pinned: asked for by another package, pip would take a build with gigabytes of CUDA.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build dist
