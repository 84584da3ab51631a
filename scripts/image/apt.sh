#!/bin/sh
# install-packages MIRROR PACKAGE…: Debian's packages, from that mirror or, where it is empty, from the base's own, without
# manuals, translations and what apt itself keeps.
set -eu
mirror=$1
shift
cp -a /etc/apt /etc/apt.original
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources; do
    if [ -n "$mirror" ] && [ -f "$list" ]; then sed -i -E "s#https?://[^/ ]+#$mirror#" "$list"; fi
done
cat >/etc/dpkg/dpkg.cfg.d/lean <<EOF
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
EOF
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
rm -rf /etc/apt /var/lib/apt/lists/* /var/cache/* /var/log/*
mv /etc/apt.original /etc/apt # the mirror's address is nobody's business
