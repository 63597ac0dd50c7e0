# Short names over commands that can be read. `make help` lists them.
#
# Programs are named without their package, so that cargo resolves features for the whole workspace and compiles each crate once.
PORT ?= 8080
PROFILE ?= dev
export PORT PROFILE

LOCAL := cargo run --quiet --bin local --
E2E := cargo run --quiet --bin

.DEFAULT_GOAL := help
.PHONY: help up down status env demo demo-cache load promises alerts memory profiles bench bench-operator test build images lint fmt crds packaging queries

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: build ## a Kubernetes cluster, the operator and the sample shop, at http://localhost:8080 (PORT=… changes it)
	@$(LOCAL) up
	@scripts/deploy

down: ## the cluster and all that it left on this machine, gone
	@$(LOCAL) down

status: ## what runs, and the state of the shop
	@$(LOCAL) status
	@eval "$$($(LOCAL) env)" && kubectl get stores --all-namespaces && kubectl get pods --namespace shop

env: ## shell code that puts the cluster's KUBECONFIG, kubectl and helm in reach, for eval
	@$(LOCAL) env

demo: ## a customer's walk through the shop, call by call, until the order is delivered
	@SHOP_URL=http://localhost:$(PORT) $(E2E) demo

demo-cache: ## the caching patterns on the running shop, call by call: hits, misses, invalidations, a stampede, Redis away
	@eval "$$($(LOCAL) env)" && SHOP_URL=http://localhost:$(PORT) $(E2E) demo-cache

load: ## customers who are none shop at the running shop (USERS=… RUN_TIME=… SHAPE=…): service levels, target/load.html
	@mkdir -p target
	@LEVEL_RATE=$${LEVEL_RATE:-0} locust -f load/locustfile.py --headless --only-summary --host http://localhost:$(PORT) \
		--users $${USERS:-20} --spawn-rate $${SPAWN_RATE:-2} --run-time $${RUN_TIME:-2m} --stop-timeout 5s --html target/load.html

promises: ## the rates and times that the older shop promised, asked of each service from within the cluster: target/promises (about 15 minutes)
	@eval "$$($(LOCAL) env)" && scripts/promises

alerts: ## the running shop's alerts made to fire by the faults of docs/src/provoking-alerts.md, and to end (two to three hours)
	@eval "$$($(LOCAL) env)" && SHOP_URL=http://localhost:$(PORT) $(E2E) alerts

memory: ## the memory of every pod of the shop, as a table
	@eval "$$($(LOCAL) env)" && $(E2E) memory

profiles: ## flame graphs of the services, each while the shop is asked for one thing only, into docs/profiles
	@SHOP_URL=http://localhost:$(PORT) $(E2E) profiles

bench: ## what the most used routes cost, by CPU time, and what the services hold in memory, into docs/src/cost.md
	@cargo build --quiet --release --bin bench --bin catalog --bin cart --bin order --bin user
	@target/$$(rustc --print host-tuple)/release/bench --page docs/src/cost.md

bench-operator: ## what the operator costs and how fast it is with up to 1,000 Stores, into docs/src/operator-cost.md
	@cargo build --quiet --release --bin operator-bench --bin operator
	@target/$$(rustc --print host-tuple)/release/operator-bench --page docs/src/operator-cost.md

test: ## everything that must hold: formatting, lints, tests, charts, then a cluster with a shop on it
	@scripts/test

build: ## all programs
	@cargo build --workspace --bins --profile $(PROFILE)

images: build ## the images of our programs and of PostgreSQL, Redis and nginx, in the cluster
	@$(LOCAL) images

lint: ## formatting and clippy, as `make test` asks for them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings

fmt: ## formats the Rust code
	cargo fmt --all

crds: ## crds/store.yaml, and the chart's copy of it, from the Rust types
	cargo run --quiet --bin crdgen -- --write

packaging: ## what is made from the charts: tables of their values, manifests/, bundle/
	@scripts/packaging

queries: ## the checked SQL queries of the services (services/*/.sqlx), from their migrations
	cargo run --quiet --bin prepare-queries
