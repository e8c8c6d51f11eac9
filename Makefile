# Two commands on a fresh machine: `make demo` and `make test`. Each sets up .venv first if it must.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# compiled modules are kept: tests start hundreds of processes, and half a second of each would go into compiling
export PYTHONDONTWRITEBYTECODE :=
SET_UP := .venv/.set-up
EXTRAS := docs,test
# the versions that the tests pass with; `make CONSTRAINTS=` takes the newest that pyproject.toml allows
CONSTRAINTS := constraints.txt

.PHONY: demo docs test check browser lint test-photos chaos bench-acquire bench-author bench-digest bench-embed bench-embed-gpu bench-evaluate bench-export bench-leaderboard bench-memory bench-rerun bench-search bench-search-gpu lmms-eval vlmevalkit readers parity-large constraints clean

demo: $(SET_UP)
	$(BIN)/blindpairs demo --out demo

# the documentation, into site/: it opens from a disk and needs no network; tests/test_docs.py builds it too
docs: $(SET_UP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# three processes on two cores: most tests wait for others more than they compute
test: lint browser
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# for the loop while one works: style, types, contracts and every quick test that starts no process
check: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --without-processes --hypothesis-profile few -m "not slow"

# a real browser, which the tests of the authors' page drive; where there is none and none can be had they are skipped
browser:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium) \
		|| echo "no Chromium, and no apt-get that may install it: install it to test the authors' page" >&2

lint: $(SET_UP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/codespell

# all 1,400 photos and their mirrored copies of a folder `shared` beside the project, and 200 cuts of odd sizes: half an
# hour on two cores
test-photos: $(SET_UP)
	BLINDPAIRS_PHOTOS=all $(BIN)/python -m pytest tests/end_to_end/test_photos.py tests/end_to_end/test_odd_sizes.py

# a Ray cluster of three raylets, of which something is killed in each of 20 rounds: a quarter of an hour
chaos: $(SET_UP)
	BLINDPAIRS_CHAOS=20 $(BIN)/python -m pytest -s tests/end_to_end/test_ray.py

bench-acquire: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.acquire

# the authors' page with 5,000 pairs, in the system's Chromium
bench-author: $(SET_UP) browser
	$(BIN)/python -m tests.benchmarks.author_page

# what comparing digests costs a search, by turns with and without
bench-digest: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.digest_cost

bench-embed: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.embed_rate

bench-embed-gpu: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.embed_gpu

# 1,000 questions put to a server that takes 0.1 s for each, 32 at a time
bench-evaluate: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.evaluate_server

# 300 questions frozen, checked and written in every form
bench-export: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.export_all

# 300 questions put to five models: read, scored, and the page written
bench-leaderboard: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.leaderboard

bench-memory: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.memory

bench-rerun: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.rerun

bench-search: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.search_rate

bench-search-gpu: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.search_gpu

# an export in lmms-eval itself, with a model that is always right and one that does not look: an environment of 7 GB
lmms-eval: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.lmms_eval_check

# an export in VLMEvalKit itself, with two such models: an environment of 7 GB
vlmevalkit: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.vlmevalkit_check

# whether our readers read as lmms-eval's and VLMEvalKit's own functions do: 8 MB of packages, seconds
readers: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.readers_check

# whether the embed step is faithful at the size of ViT-L/14, random weights: a quarter of an hour on one core
parity-large: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.parity_large

# a new .venv with the newest versions that pyproject.toml allows; commit the file when `make test` has passed with them
constraints:
	rm -rf .venv
	$(MAKE) $(SET_UP) CONSTRAINTS=
	{ echo "# The versions that the tests pass with, on Linux and Python 3.11: \`make constraints\` writes this file."; \
		$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable --exclude blindpairs | grep '^[^ ]*==[^ ]*$$'; } > $@.new
	mv $@.new constraints.txt
	touch $(SET_UP)

$(SET_UP): pyproject.toml $(CONSTRAINTS)
	@echo "setting up .venv: installs about 8 GB of packages, mostly torch; takes 1 to 3 minutes, longer on a slow network" >&2
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.ci/install '$(EXTRAS)' $(CONSTRAINTS)
	touch $@

clean:
	rm -rf .venv demo runs site bench-search bench-embed
