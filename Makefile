# `make demo` and `make test` work in a new clone with Python 3.10 to 3.12 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin


.PHONY: comfy workflows node-pictures demo help-pages test test-slow check format setup setup-dev clean

$(VENV)/.standalone: requirements.txt requirements-standalone.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-standalone.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps mediapipe==0.10.21
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.standalone requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.standalone
setup-dev: $(VENV)/.dev

demo: $(VENV)/.standalone
	$(BIN)/python demo/make_demo.py

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

test: check
	$(BIN)/python -m pytest

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

# The nodes and workflows in a real ComfyUI: make comfy COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python>
comfy: $(VENV)/.dev
	COMFYUI_DIR="$(COMFYUI_DIR)" COMFYUI_PYTHON="$(COMFYUI_PYTHON)" $(BIN)/python -m pytest tests/comfy

# The UI form and thumbnail of every graph in workflows/api; PLAYWRIGHT=<folder of playwright-core>.
workflows: $(VENV)/.dev
	COMFYUI_DIR="$(COMFYUI_DIR)" COMFYUI_PYTHON="$(COMFYUI_PYTHON)" $(BIN)/python tests/comfy/make_workflows.py

# The picture in every help page, of the node or of what it makes; PLAYWRIGHT as above.
node-pictures: $(VENV)/.dev
	COMFYUI_DIR="$(COMFYUI_DIR)" COMFYUI_PYTHON="$(COMFYUI_PYTHON)" $(BIN)/python tests/comfy/picture_nodes.py

help-pages: $(VENV)/.dev
	$(BIN)/python tests/nodes/refresh_help.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info
