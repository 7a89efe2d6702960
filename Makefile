# Everything a person or a machine does with this repository. `make` alone prints the list.
# Needs make and Python 3.11, 3.12 or 3.13; the rest is installed into .venv by `make setup`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# What is installed is compiled by whoever needs it first, and kept: told to keep nothing, each of the
# processes that are started here would compile a thousand modules of its own.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# How large the demo company is; empty: as usual.
SIZE ?=
DATA ?= .data
# How many seeds `make test-faults` plays on each engine.
SEEDS ?= 10
# How many facts the backlog of `make test-faults` has, and which page its tables are written into, if any.
BACKLOG ?= 20000
REPORTED = $(if $(REPORT),--report $(REPORT))
# About how many facts `make bench` measures with, and of how many its longest history is; 0: none.
FACTS ?= 50000
HISTORY ?= 100000
# For how long `make test-hostile` attacks.
SECONDS ?= 75
# How the image is called that is built and tried.
IMAGE ?= sellers:dev
# Extra words for pytest, as in: make test ARGS="-k contacts -x"
ARGS ?=

# The first Python that really runs, is one we support, and can make a virtual environment. An existing .venv
# keeps its own, so that a second call changes nothing. (Shims of version managers exist and then fail.)
SUPPORTED = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
define find_python
for candidate in $(PYTHON) .venv/bin/python python3.11 python3.12 python3.13 python3; do \
  if "$$candidate" -c '$(SUPPORTED)' >/dev/null 2>&1; then found="$$("$$candidate" -c 'import sys; print(sys._base_executable)')"; break; fi; \
done; \
if [ -z "$${found:-}" ]; then \
  echo "setup: no usable Python found. Install Python 3.11, 3.12 or 3.13 with its venv module (on Debian: python3 python3-venv), or say: make PYTHON=/path/to/python3.11" >&2; exit 1; \
fi
endef

.PHONY: help
help: ## Print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install everything into .venv (instant when nothing changed)
	@$(find_python); "$$found" requirements/install.py

.PHONY: demo
demo: setup ## Start the platform on this machine with sample data: make demo [SIZE=40]
	@$(BIN)/sellers up --data-dir $(DATA) $(if $(SIZE),--size $(SIZE))

.PHONY: test
test: lint types contracts ## Check style, types and contracts; run every test but slow ones and those on Apache Kafka
	@$(BIN)/pytest -n 2 --dist loadfile -m "not kafka and not slow and not deploy and not image and not load" $(ARGS)

.PHONY: test-kafka
test-kafka: setup ## Run all that needs servers on real Apache Kafka (KAFKA_BOOTSTRAP, Docker, or java and mvn)
	@SELLERS_TEST_ENGINE=$${SELLERS_TEST_ENGINE:-real} $(BIN)/pytest tests/integration \
	  -n 2 --dist loadfile -m "(connected or kafka) and not slow" $(ARGS)
	@$(BIN)/pytest tests/faults -m "kafka and not slow" $(ARGS)

.PHONY: test-faults
test-faults: setup ## Kill every part amid an import, then every other fault: make test-faults [SEEDS=10] [REPORT=page]
	@$(BIN)/python -m tests.faults kills --engine embedded --seeds $(SEEDS) $(REPORTED)
	@$(BIN)/python -m tests.faults kills --engine kafka --seeds $(SEEDS) $(REPORTED)
	@$(BIN)/python -m tests.faults all --facts $(BACKLOG) $(REPORTED)

# How often `make faults` plays the suite in a row, from which seed on, and what of it if not all.
TIMES ?= 20
FROM ?= 1
FAULTS ?=
.PHONY: faults
faults: setup ## Play every fault in rounds, by other seeds, until one is bad: make faults [TIMES=20] [FROM=1] [FAULTS="storm"]
	@$(BIN)/python -m tests.faults --times $(TIMES) --first $(FROM) --facts $(BACKLOG) $(FAULTS)

.PHONY: test-slow
test-slow: setup ## Run the tests that take minutes
	@$(BIN)/pytest tests/architecture tests/faults tests/integration -m "slow and not kafka" --timeout 900 $(ARGS)

# kubectl brings Kustomize; where neither is there, Go builds it. The schemas of Kubernetes are 70 MB.
KUSTOMIZE := v5.8.1
DEPLOY := .cache/deploy/bin
.PHONY: test-deploy
test-deploy: setup ## Render deploy/k8s and compose.yaml and check what would run (kubectl, or go)
	@cmp -s requirements/deploy.lock .cache/deploy/lock || { $(BIN)/python -m venv --clear .cache/deploy && \
	  $(DEPLOY)/pip install -q --require-hashes --only-binary :all: -r requirements/deploy.lock && \
	  cp requirements/deploy.lock .cache/deploy/lock; }
	@command -v kubectl kustomize $(DEPLOY)/kustomize >/dev/null || \
	  GOBIN=$(CURDIR)/$(DEPLOY) go install sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE)
	@CI=$${CI:-true} $(BIN)/pytest tests/deploy -m deploy $(ARGS)

# BASE: what the image is built on, where it is not the official one: make image BASE=python@sha256:...
.PHONY: image
image: ## Build the image of every command: make image [IMAGE=sellers:dev] [BASE=...]
	@docker build --network host $(if $(BASE),--build-arg BASE=$(BASE)) -t $(IMAGE) .

.PHONY: test-image
test-image: setup image ## Build the image and run every command of the manifests in it (Docker, java, mvn)
	@IMAGE=$(IMAGE) $(BIN)/pytest tests/deploy/test_image.py -x $(ARGS)

.PHONY: test-simulation
test-simulation: setup ## Play a thousand histories, then remove each rule and look for one that breaks
	@$(BIN)/python -m tests.simulation --seeds 1000
	@$(BIN)/pytest tests/simulation -m slow $(ARGS)

.PHONY: test-hostile
test-hostile: setup ## Send every operation what it forbids, by the description: make test-hostile [SECONDS=75]
	@$(BIN)/python -m tests.hostile.attack --seconds $(SECONDS)

.PHONY: bench
bench: setup ## Measure replay, the live worker and reports on the embedded servers: make bench [FACTS=50000] [HISTORY=1000000]
	@$(BIN)/python -m tests.bench --facts $(FACTS) --history $(HISTORY)

# A platform of its own, unless HOST names one: with DATA, its data directory, or TOKENS, a file, where people sign in.
USERS ?= 40
FOR ?= 60
LOAD := .cache/load
AT = $(if $(HOST),--host $(HOST) $(if $(filter-out .data,$(DATA)),--data $(DATA)) $(if $(TOKENS),--tokens $(TOKENS)))
.PHONY: loadtest
loadtest: setup ## Let a whole company work on a platform, with live percentiles: make loadtest [USERS=40] [FOR=60] [SIZE=10] [HOST=...]
	@cmp -s requirements/load.lock $(LOAD)/lock || { $(BIN)/python -m venv --clear $(LOAD) && \
	  $(LOAD)/bin/pip install -q --require-hashes --only-binary :all: -r requirements/load.lock && \
	  cp requirements/load.lock $(LOAD)/lock; }
	@$(BIN)/python -m tests.load --users $(USERS) --seconds $(FOR) $(if $(SIZE),--size $(SIZE)) $(AT)

.PHONY: lint
lint: setup ## Check style and the banned imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: setup ## Check types, strictly
	@$(BIN)/mypy

.PHONY: contracts
contracts: setup ## Check who may import whom
	@$(BIN)/lint-imports

.PHONY: fmt
fmt: setup ## Format and fix what can be fixed safely
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: schemas
schemas: setup ## Write the schemas and examples that are missing; what was released may only grow
	@$(BIN)/python -m shared.released
	@$(BIN)/python -m sellers.promised

.PHONY: events
events: setup ## Write docs/EVENTS.md, the catalogue of facts
	@$(BIN)/python -m sellers.catalogue

.PHONY: apis
apis: setup ## Write docs/api: OpenAPI of every service and of all, AsyncAPI of the log
	@$(BIN)/python -m sellers.contracts

.PHONY: errors
errors: setup ## Write docs/errors.md, every problem that is answered and what to do about it
	@$(BIN)/python -m sellers.problems

.PHONY: figures
figures: setup ## Write docs/figures.md, why something is in no row and what rows are made of
	@$(BIN)/python -m sellers.figures

.PHONY: test-asyncapi
test-asyncapi: ## Give the log's description to AsyncAPI's own parser (node, npm)
	@command -v npm >/dev/null || { echo "test-asyncapi: npm is not here, and AsyncAPI's parser runs on it (node, npm)" >&2; exit 1; }
	@npm ci --prefix tests/asyncapi --ignore-scripts --no-audit --no-fund --loglevel=error
	@node tests/asyncapi/check.mjs docs/api/asyncapi.json

.PHONY: access
access: setup ## Write the tables of docs/access.md: every route, and how far each role reaches there
	@$(BIN)/python -m sellers.matrix

RULES := deploy/k8s/components/monitoring/rules.yaml
.PHONY: alerts
alerts: ## Write deploy/observability/alerts.yaml once more, as the PrometheusRule of deploy/k8s
	@printf '%s\n' '# Written from deploy/observability/alerts.yaml by `make alerts`; a test compares the two.' \
	  'apiVersion: monitoring.coreos.com/v1' 'kind: PrometheusRule' 'metadata:' '  name: sellers' 'spec:' >$(RULES)
	@sed 's/^./  &/' deploy/observability/alerts.yaml >>$(RULES)

.PHONY: defaults
defaults: setup ## Write deploy/defaults.toml, the rules and numbers a company may choose
	@$(BIN)/python -m sellers.defaults

.PHONY: metrics
metrics: setup ## Write the table of metrics in docs/observability.md
	@$(BIN)/python -m sellers.metrics

# What is installed is what the locks say, by hash: so the locks are what is listed and looked up.
.PHONY: sbom
sbom: setup ## Write .cache/sbom: every package with version and hashes, as CycloneDX, the same each time
	@mkdir -p .cache/sbom
	@for list in runtime dev embedded; do \
	  $(BIN)/cyclonedx-py requirements requirements/$$list.lock --pyproject pyproject.toml \
	    --output-reproducible --of JSON -o .cache/sbom/$$list.cdx.json && echo ".cache/sbom/$$list.cdx.json"; done

.PHONY: audit
audit: setup ## Look the locked packages up among known vulnerabilities (asks an advisory database; fails where it cannot)
	@for list in runtime dev embedded; do echo "$$list:"; \
	  $(BIN)/pip-audit --requirement requirements/$$list.lock --require-hashes --disable-pip --strict --progress-spinner off; done

.PHONY: new-domain
new-domain: setup ## Start a new domain: make new-domain NAME=orders [ONE=order]
	@: $${NAME:?say which: make new-domain NAME=orders}
	@$(BIN)/python -m sellers.new_domain "$(NAME)" $(ONE)

# The locks name versions and hashes, no host and no path, and hold for Python 3.11 to 3.13 on every platform.
UV := 0.13.9
COMPILE = .cache/lock/bin/uv pip compile --quiet --no-config --native-tls --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-annotate --no-header
.PHONY: lock
lock: setup ## Resolve requirements/*.in again into their .lock files: make lock [UPGRADE=1]
	@test -x .cache/lock/bin/uv || { $(BIN)/python -m venv .cache/lock && .cache/lock/bin/pip install -q uv==$(UV); }
	@for list in runtime dev embedded deploy load build; do \
	  $(COMPILE) $(if $(UPGRADE),--upgrade) requirements/$$list.in -o requirements/$$list.lock; done
	@git diff --stat -- requirements

.PHONY: clean
clean: ## Remove what was built, cached and recorded here (.venv, .cache, .data)
	@rm -rf .venv .cache $(DATA) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
