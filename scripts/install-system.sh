#!/bin/sh
# Installs the system packages that some checks need: Chromium, for trying the package in a browser. Debian and its relatives; run as root.
set -eu

if command -v chromium >/dev/null 2>&1; then
  echo "chromium is here: $(chromium --version 2>/dev/null | head -n 1)"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "no chromium and no apt-get: install Chromium yourself, or set CHROMIUM to its path" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends chromium
