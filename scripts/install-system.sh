#!/bin/sh
# Installs the system packages that some checks need: Chromium, for trying the package in a browser, and pciutils, whose lspci reads our dumps.
# Debian and its relatives; run as root.
set -eu

wanted=""
command -v chromium >/dev/null 2>&1 || wanted="$wanted chromium"
command -v lspci >/dev/null 2>&1 || wanted="$wanted pciutils"
if [ -n "$wanted" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing:$wanted, and there is no apt-get: install them yourself (for Chromium, CHROMIUM may hold its path)" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  # shellcheck disable=SC2086
  apt-get install -y -q --no-install-recommends $wanted
fi
echo "chromium is here: $(chromium --version 2>/dev/null | head -n 1)"
echo "lspci is here: $(lspci --version 2>/dev/null | head -n 1)"
