# Everything a developer or a machine does with this project. `make demo` and
# `make test` need Go and make alone; `make lint` fetches its linters.
GOLANGCI  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT    ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE      ?= $(shell git log -1 --format=%cI 2>/dev/null)
FUZZTIME  ?= 10s
# Newer versions of goreleaser need a newer Go.
RELEASER  := github.com/goreleaser/goreleaser/v2@v2.16.0
KREW      := sigs.k8s.io/krew/cmd
# With -trimpath everywhere, tests, vet and the command share what is compiled.
export GOFLAGS ?= -buildvcs=auto -trimpath
# Because of package plugin, Go would link the tests with gcc, which takes longer.
LINK     := $(if $(filter linux,$(shell go env GOOS)),-linkmode=internal)
TEST     := go test -race -vet=off -ldflags="-s -w $(LINK)" -timeout 40m

.PHONY: build pages apiserver test lint bench soak fuzz mutants vuln demo release-check release clean

build: ## bin/tracemigrate
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)" -o bin/tracemigrate ./cmd/tracemigrate

pages: build ## bin/pages: the manual page, and the completions of all shells
	@mkdir -p bin/pages/man bin/pages/completions
	bin/tracemigrate man > bin/pages/man/tracemigrate.1
	bin/tracemigrate completion bash > bin/pages/completions/tracemigrate.bash
	bin/tracemigrate completion zsh > bin/pages/completions/_tracemigrate
	bin/tracemigrate completion fish > bin/pages/completions/tracemigrate.fish
	bin/tracemigrate completion powershell > bin/pages/completions/tracemigrate.ps1

apiserver: ## a Kubernetes API server for the tests, built once into the user's cache; without a network the tests skip
	@go run ./fixtures/kubernetes/build

test: apiserver ## all tests, with the race detector; make lint vets
	@# The tests of the command and of the Kubernetes source take longest, these because they wait for servers, so the others get what both leave.
	$(TEST) ./cmd/tracemigrate ./cluster/kube & longest=$$!; \
	nice $(TEST) -p $$((2 * $$(getconf _NPROCESSORS_ONLN))) $$(go list ./... | grep -v -e '/cmd/tracemigrate$$' -e '/cluster/kube$$'); others=$$?; \
	wait $$longest && exit $$others

lint: ## formatting, vet, staticcheck and more, see .golangci.yml
	go mod tidy -diff
	go run $(GOLANGCI) run ./...
	go run $(GOLANGCI) fmt --diff ./...

bench: apiserver ## time by the measure of yaml.v3 and encoding/json (x-baseline) or of a plain list (x-list), memory by that of the input
	go test ./cmd/tracemigrate/... -run '^$$' -bench . -skip '^BenchmarkSoak$$' -benchtime 10x
	go test ./convert/envoydiff -run '^$$' -bench . -benchtime 3x
	go test ./cluster/controlplane -run '^$$' -bench . -benchtime 10x
	go test ./cluster/kube -run '^$$' -bench . -benchtime 20x

# Without -fuzzminimizetime, Go spends up to a minute on shrinking each input that reaches new code.
soak: ## 100,000 Dataplanes and 10,000 TrafficTraces in 50 meshes, and 2 and 4 times that, through the built command
	go test ./cmd/tracemigrate -run '^$$' -bench '^BenchmarkSoak$$' -benchtime 1x -timeout 60m

fuzz: ## random meshes and repositories of a new seed, and every fuzz target, FUZZTIME each
	go test ./convert -run '^TestEquivalent' -count=1 -v -seed 0 -meshes 5000
	go test ./convert/envoydiff -run '^TestMutations$$' -count=1 -v -seed 0
	go test ./convert/rewrite -run '^TestRandomRepositories$$' -count=1 -v -seed 0 -repositories 500
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test $$package -list '^Fuzz' | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			go test $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x; \
		done; \
	done

mutants: ## break the conversion rule by rule, and see the property test notice
	.ci/mutants

vuln: ## known vulnerabilities in the dependencies and in Go, from vuln.go.dev
	go run $(VULNCHECK) ./...

demo: build ## convert fixtures/demo: input, notes and output
	@echo; echo "== the input: fixtures/demo/mesh.yaml (the Dataplanes beside it are left out here)"; echo
	@cat fixtures/demo/mesh.yaml
	@echo; echo "== tracemigrate convert -f fixtures/demo --kuma-version 2.13"; echo
	@bin/tracemigrate convert -f fixtures/demo --kuma-version 2.13
	@echo; echo "== tracemigrate diff -f fixtures/demo --kuma-version 2.13: the verdict"; echo
	@bin/tracemigrate diff -f fixtures/demo --kuma-version 2.13

release-check: ## build a release in dist without publishing it, and check archives, checksums, SBOMs and manifests, and install krew's
	go run $(RELEASER) check
	go run $(RELEASER) release --snapshot --clean --skip=publish,docker,sign
	go run ./fixtures/release fill dist
	go run ./fixtures/release check dist
	go run $(KREW)/validate-krew-manifest@v0.4.3 -manifest dist/tracemigrate.yaml -skip-install
	KREW_ROOT=dist/krew go run $(KREW)/krew@v0.4.3 install --manifest=dist/tracemigrate.yaml \
		--archive="$$(ls dist/tracemigrate_*_$$(go env GOOS)_$$(go env GOARCH).*[pz])"
	dist/krew/bin/kubectl-tracemigrate version

release: ## publish the release of the tag as a draft; OWNER has the repository; COSIGN_KEY or GPG_KEY signs it
	go run $(RELEASER) release --clean $(if $(COSIGN_KEY)$(GPG_KEY),,--skip=sign)
	go run ./fixtures/release fill dist

clean:
	rm -rf bin dist
