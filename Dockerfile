# The image. `make image` builds it: scripts/build_image.py works out the arguments, CONTRIBUTING.md says why it is so.
#
#     operating system → a layer for each folder of weights → a layer for each environment → the web page → documents →
#     the server's code
#
# What is large and old lies low, so that a change of code leaves every layer below it what it was. Each layer is made in a
# stage of its own and sealed (scripts/image/seal.py): built anew, it is the same bytes. No stage but the last lines' ends
# up in the image. Any BuildKit will do, from that of Docker 20.10 on: no frontend is fetched.

# To pin it: BASE=debian:bookworm-slim@sha256:…
ARG BASE=debian:bookworm-slim
# cpu or gpu
ARG TARGET=cpu

# --- tools: what builds, and stays behind ---------------------------------------------------------------------------------

FROM ${BASE} AS python
ARG DEBIAN_MIRROR=
COPY scripts/image/apt.sh /usr/local/bin/install-packages
RUN install-packages "$DEBIAN_MIRROR" python3.11

FROM python AS tools
RUN install-packages "$DEBIAN_MIRROR" python3.11-venv ca-certificates
ARG PIP_INDEX_URL=
ARG PIP_EXTRA_INDEX_URL=
ARG PIP_FIND_LINKS=
ENV PIP_INDEX_URL=$PIP_INDEX_URL PIP_EXTRA_INDEX_URL=$PIP_EXTRA_INDEX_URL PIP_FIND_LINKS=$PIP_FIND_LINKS \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_DEFAULT_TIMEOUT=120 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN python3.11 -m venv /opt/pip
WORKDIR /build
COPY scripts/image/with_ca.sh scripts/image/

# --- the operating system: Debian with Python and what the engines need, no more ------------------------------------------

FROM python AS installed
ARG PACKAGES=
RUN install-packages "$DEBIAN_MIRROR" tini iproute2 $PACKAGES

FROM python AS os
WORKDIR /build
COPY scripts/image/__init__.py scripts/image/os_layer.py scripts/image/seal.py scripts/image/
RUN --mount=type=bind,from=installed,source=/,target=/installed python3.11 -m scripts.image.os_layer /installed /out

# --- weights: a stage for each folder; WEIGHTS says which of them are wanted ----------------------------------------------

FROM tools AS weights
COPY requirements/prefetch.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/pip install --no-deps --require-hashes -r requirements/prefetch.txt
ARG HF_ENDPOINT=
ARG MODELSCOPE_ENDPOINT=
ARG PADDLE_BOS_ENDPOINT=
ENV HF_ENDPOINT=$HF_ENDPOINT MODELSCOPE_ENDPOINT=$MODELSCOPE_ENDPOINT PADDLE_BOS_ENDPOINT=$PADDLE_BOS_ENDPOINT
COPY models.lock.json* catalog.toml* ./
COPY scripts/__init__.py scripts/prefetch_models.py scripts/
COPY scripts/prefetch scripts/prefetch
COPY scripts/image/__init__.py scripts/image/seal.py scripts/image/weights.py scripts/image/
COPY server/__init__.py server/catalog.py server/catalog.toml server/errors.py server/knobs.py server/lock.py server/options.py \
     server/stacks.py server/vlm_spec.py server/weights.py server/
ARG WEIGHTS=
ENV WEIGHTS=$WEIGHTS CACHE=/cache

FROM weights AS weights-pp-doclayoutv2
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PP-DocLayoutV2

FROM weights AS weights-pp-doclayoutv3
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PP-DocLayoutV3

FROM weights AS weights-pp-doclayoutv3-safetensors
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PP-DocLayoutV3_safetensors

FROM weights AS weights-paddleocr-vl
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PaddleOCR-VL

FROM weights AS weights-paddleocr-vl-1.5
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PaddleOCR-VL-1.5

FROM weights AS weights-paddleocr-vl-1.6
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PaddleOCR-VL-1.6

FROM weights AS weights-pp-lcnet-x1-0-doc-ori
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out PP-LCNet_x1_0_doc_ori

FROM weights AS weights-uvdoc
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out UVDoc

FROM weights AS weights-deepseek-ocr
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out DeepSeek-OCR

FROM weights AS weights-deepseek-ocr-2
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out DeepSeek-OCR-2

FROM weights AS weights-deepseek-ocr-2-transformers
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out DeepSeek-OCR-2-transformers

FROM weights AS weights-glm-ocr
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out GLM-OCR

# What catalog.toml at the repository's root adds.
FROM weights AS weights-further
RUN --mount=type=cache,target=/cache --mount=type=secret,id=hf_token --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/python -m scripts.image.weights /out

# --- environments: a stage for each; STACKS says which of the large ones are wanted ---------------------------------------

FROM tools AS stack
COPY requirements requirements
COPY scripts/vllm_on_cpu.py scripts/
COPY scripts/image/__init__.py scripts/image/flavour.py scripts/image/seal.py scripts/image/stack.py scripts/image/trim.py scripts/image/
ARG CUDA=cpu
ARG VENDOR_INDEXES=
ENV CUDA=$CUDA VENDOR_INDEXES=$VENDOR_INDEXES

FROM stack AS stack-server
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca \
    scripts/image/with_ca.sh python3.11 -m scripts.image.stack server

FROM stack AS stack-paddle
ARG STACKS=
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca \
    scripts/image/with_ca.sh python3.11 -m scripts.image.stack paddle

FROM stack AS stack-vllm
ARG STACKS=
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca \
    scripts/image/with_ca.sh python3.11 -m scripts.image.stack vllm

# --- the web page ---------------------------------------------------------------------------------------------------------

FROM tools AS web
COPY requirements/web.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/pip install --no-deps --require-hashes -r requirements/web.txt
ARG NPM_CONFIG_REGISTRY=
ENV NPM_CONFIG_REGISTRY=$NPM_CONFIG_REGISTRY PATH=/opt/pip/bin:$PATH
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca \
    scripts/image/with_ca.sh npm --prefix web ci --ignore-scripts
COPY web web
RUN npm --prefix web run build && mkdir -p /out/opt/offline-ocr/web && mv web/dist /out/opt/offline-ocr/web
COPY scripts/image/__init__.py scripts/image/seal.py scripts/image/
RUN python3.11 -m scripts.image.seal /out opt/offline-ocr/web web

# --- the server -----------------------------------------------------------------------------------------------------------

FROM tools AS compiling
COPY scripts/image/__init__.py scripts/image/code_layer.py scripts/image/seal.py scripts/image/

# The server in two layers: a change pushes the one or the other. The byte code is made without the columns of each
# instruction, which tracebacks underline, and is a quarter smaller for it.
FROM compiling AS packages
COPY server /out/opt/offline-ocr/server
RUN rm -r /out/opt/offline-ocr/server/*.* /out/opt/offline-ocr/server/routes && \
    python3.11 -X no_debug_ranges -m scripts.image.code_layer /out packages

FROM compiling AS code
WORKDIR /out/opt/offline-ocr
COPY LICENSE CHANGELOG.md pyproject.toml known_texts.json* ./
COPY demo demo
COPY scripts/__init__.py scripts/healthcheck.py scripts/prefetch_models.py scripts/verify_offline.py scripts/
COPY scripts/offline-ocr bin/
COPY scripts/prefetch scripts/prefetch
COPY scripts/verify scripts/verify
COPY scripts/image/__init__.py scripts/image/seal.py scripts/image/
COPY server server
RUN find server -mindepth 1 -maxdepth 1 -type d ! -name routes -exec rm -r {} +
WORKDIR /build
RUN python3.11 -X no_debug_ranges -m scripts.image.code_layer /out code

# --- what the two targets hold: the page over environments over weights over the system ---------------------------------------

FROM scratch AS cpu
COPY --from=os /out/ /
COPY --from=stack-server /out/ /
COPY --from=web /out/ /

FROM scratch AS gpu
COPY --from=os /out/ /
COPY --from=weights-pp-doclayoutv2 /out/ /
COPY --from=weights-pp-doclayoutv3 /out/ /
COPY --from=weights-pp-doclayoutv3-safetensors /out/ /
COPY --from=weights-paddleocr-vl /out/ /
COPY --from=weights-paddleocr-vl-1.5 /out/ /
COPY --from=weights-paddleocr-vl-1.6 /out/ /
COPY --from=weights-pp-lcnet-x1-0-doc-ori /out/ /
COPY --from=weights-uvdoc /out/ /
COPY --from=weights-deepseek-ocr /out/ /
COPY --from=weights-deepseek-ocr-2 /out/ /
COPY --from=weights-deepseek-ocr-2-transformers /out/ /
COPY --from=weights-glm-ocr /out/ /
COPY --from=weights-further /out/ /
COPY --from=stack-server /out/ /
COPY --from=stack-paddle /out/ /
COPY --from=stack-vllm /out/ /
COPY --from=web /out/ /

# --- what is said of it: the lock of its weights, licence texts, the bill of materials ------------------------------------

FROM tools AS sbom-tools
COPY requirements/image.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca \
    scripts/image/with_ca.sh /opt/pip/bin/pip install --no-deps --require-hashes --target /opt/sbom-tools -r requirements/image.txt

FROM ${TARGET} AS documents
WORKDIR /build
RUN --mount=type=bind,source=scripts,target=scripts --mount=type=bind,source=server,target=server \
    scripts/image/documents.sh /out

FROM documents AS sbom
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=bind,source=scripts,target=scripts --mount=type=bind,source=server,target=server \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,from=sbom-tools,source=/opt/sbom-tools,target=/opt/sbom-tools \
    scripts/image/sbom.sh /sbom

# What is another with every commit: its hash, and the bill of materials, which has its time in it.
FROM compiling AS commit
ARG REVISION=unknown
RUN mkdir -p /out/opt/offline-ocr && echo "$REVISION" >/out/opt/offline-ocr/REVISION && \
    python3.11 -m scripts.image.seal /out opt commit
COPY --from=sbom /sbom/ /out/

# --- the image ------------------------------------------------------------------------------------------------------------

FROM ${TARGET} AS image
COPY --from=documents /out/ /
COPY --from=packages /out/ /
COPY --from=code /out/ /
COPY --from=commit /out/ /
WORKDIR /opt/offline-ocr
ARG SERVED=pp-ocr
ARG DEFAULT_MODEL=pp-ocr
ENV PATH=/opt/offline-ocr/.venv/bin:/opt/offline-ocr/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PADDLEX_HOME=/opt/models MODELS=$SERVED DEFAULT_MODEL=$DEFAULT_MODEL PORT=8081 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 65532:0
EXPOSE 8081
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["python", "-S", "scripts/healthcheck.py"]
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "server"]
