#!/bin/sh
# documents.sh OUT: the lock of all weights in this image, and the licence texts, as the tree of a layer.
set -eu
out=$1
mkdir -p "$out/opt/models" /opt/models
python3.11 -B -m scripts.image.locks / "$out"
if [ -f /opt/models/catalog.toml ]; then cp /opt/models/catalog.toml "$out/opt/models/"; fi
cp "$out/opt/models/models.lock.json" /opt/models/
python3.11 -B -m scripts.image.licences --root / --code /opt/offline-ocr --models /opt/models --to "$out/opt/offline-ocr/licences"
python3.11 -B -m scripts.image.seal "$out" opt documents
