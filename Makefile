# nightshift: `make` lists what it can do.

GOARCH_FUNCTION ?= arm64
GOLANGCI = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Without net/rpc in the function's library and without HTTP/2, which AWS does
# not need, the binary is smaller.
RELEASE  = -tags lambda.norpc,nethttpomithttp2 -trimpath -ldflags='-s -w'

.PHONY: help build bootstrap dist test race docs dashboards lint bench ci

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

build: ## build ./nightshift as it is released: static, for this machine
	CGO_ENABLED=0 go build $(RELEASE) -o nightshift ./cmd/nightshift

bootstrap: ## build ./bootstrap and ./template.yaml
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH_FUNCTION) go build $(RELEASE) -o bootstrap ./cmd/nightshift
	go run ./cmd/nightshift template > template.yaml

# The archive is the one that `nightshift deploy` uploads: the same program gives the same bytes.
dist: bootstrap ## build ./bootstrap.zip, the function's code, and ./template.yaml
	go run ./cmd/nightshift deploy --binary bootstrap --zip bootstrap.zip

test: ## run the tests
	go test ./...

race: ## run the tests with the race detector
	go test -race ./...

docs: ## write the command reference and what the examples print anew
	go test ./internal/cli -run 'TestReference|TestReadme|TestScheduling|TestCost' -update

dashboards: ## write the dashboards of Grafana anew
	go -C tools/dashboards run . ../../deploy/grafana

lint: ## run the linter
	$(GOLANGCI) run

bench: ## compare with the first scripts and run the benchmarks
	go run ./bench
	go test -run='^$$' -bench=. -benchmem ./...

ci: ## run what every change must pass
	bash .ci/run
