#!/bin/sh
# with_ca.sh COMMAND…: run a command that trusts the certificates of the build secret `ca`, where there is one.
set -eu
bundle=/run/secrets/ca
if [ -f "$bundle" ]; then
    export PIP_CERT="$bundle" REQUESTS_CA_BUNDLE="$bundle" SSL_CERT_FILE="$bundle" CURL_CA_BUNDLE="$bundle" \
        NODE_EXTRA_CA_CERTS="$bundle"
fi
exec "$@"
