#!/bin/sh
# venv.sh FOLDER REQUIREMENTS…: a virtual environment of Python 3.11 with exactly those hash-pinned packages.
set -eu
folder=$1
shift

if ! python3.11 -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian ships venv apart from Python.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "python3.11 has no venv module: installing Debian's python3.11-venv …"
        apt-get update -qq
        apt-get install -y -qq python3.11-venv
    else
        echo "python3.11 has no venv module. On Debian and Ubuntu: sudo apt-get install python3.11-venv" >&2
        exit 1
    fi
fi

if [ -L "$folder" ]; then
    echo "$folder is a link; what it leads to is left alone. Remove the link first." >&2
    exit 1
fi
python3.11 -m venv --clear "$folder"
for requirements; do
    "$folder/bin/python" -m pip install --disable-pip-version-check --no-deps --require-hashes -r "$requirements" >&2
done
touch "$folder/.complete"
