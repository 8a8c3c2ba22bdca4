# What a developer types. `make` alone explains.

CARGO ?= cargo
CONTROL_PLANE = $(CARGO) run --quiet --locked --example control-plane --

.DEFAULT_GOAL := help
.PHONY: help build generate demo test up cluster down lint clean

help: ## Show this
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the controller and the local control plane
	$(CARGO) build --locked --bins --examples

generate: ## Write anew what follows from the code: the CRDs, the reference of their fields, the rules of the chart's RBAC
	$(CARGO) run --quiet --locked -- generate

demo: build ## Watch manifests become IAM roles, on a control plane of your own
	$(CONTROL_PLANE) exec hack/demo

test: ## Run every test: units, rules of the CRD, properties, end to end
	$(CARGO) test --locked --no-run
	$(CONTROL_PLANE) exec $(CARGO) test --locked

up: build ## Start a control plane with the chart installed, to explore
	$(CONTROL_PLANE) up

cluster: build ## Start an empty control plane, to install the chart by hand
	$(CONTROL_PLANE) up --empty

down: ## End what `make up` or `make cluster` started
	$(CONTROL_PLANE) down

lint: ## Check formatting, code and documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

clean: ## Remove what was built here; the control plane's parts stay in the cache
	$(CARGO) clean
