#!/bin/sh
# sbom.sh OUT: the bill of materials of this image, as the tree of a layer.
set -eu
out=$1
mkdir -p "$out/opt/offline-ocr"
PYTHONPATH=/opt/sbom-tools python3.11 -B -m scripts.image.sbom --root / --code /opt/offline-ocr --models /opt/models \
    >"$out/opt/offline-ocr/sbom.cdx.json"
python3.11 -B -m scripts.image.seal "$out" opt sbom
