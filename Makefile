# make demo                             the whole job in five minutes, on drawn scenes and sample photographs; prints a report's path
# make demo PHOTOS=DIR QUERY=FILE       the last part of it on your own pictures
# make test                             sets up what it needs and passes the tests, on two processor cores
# make test TESTS=tests/unit            some of them
# make bench DATA=flickr8k:DIR          all benchmarks of speed and memory, in forty minutes: benchmarks/RESULTS.md
# make bench ONLY="web exif"            some of them; BUT="web exif" all others; benchmarks/bench.py --list names them
# make docs                             the documentation as a site: site/index.html
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: demo test lint bench docs clean

demo: $(VENV)/installed
	$(RUN) -m captionret demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(QUERY),--query "$(QUERY)")

test: $(VENV)/installed-dev
	$(RUN) -m pytest -n 2 $(TESTS)

lint: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: $(VENV)/installed-dev
	$(RUN) benchmarks/bench.py $(if $(DATA),--data "$(DATA)") $(if $(ONLY),--only $(ONLY)) $(if $(BUT),--but $(BUT))

docs: $(VENV)/installed-docs
	$(RUN) -m mkdocs build --strict --quiet
	@echo site/index.html

$(VENV)/installed: requirements.txt pyproject.toml setup.py $(wildcard captionret/*/*/*.[ch] captionret/*/*/*/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet -r requirements.txt
	$(RUN) -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(RUN) -m pip install --quiet -r requirements-dev.txt
	@touch $@

$(VENV)/installed-docs: requirements-docs.txt $(VENV)/installed
	$(RUN) -m pip install --quiet -r requirements-docs.txt
	@touch $@

clean:
	rm -rf $(VENV) site report data/demo data/scenes
