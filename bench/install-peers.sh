#!/bin/sh
# Installs the tools that the benchmark compares with (Debian and Ubuntu packages; needs root or sudo).
# The benchmark leaves out a missing peer and says so; after this script the table is complete.
set -eu

packages="clang lld wasi-libc libclang-rt-dev-wasm32 emscripten heaptrack valgrind google-perftools
  libgoogle-perftools-dev libjemalloc2 gcc libc6-dev chromium"

if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo"; fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-peers.sh: apt-get is missing. Install by hand: $packages" >&2
  exit 1
fi
# shellcheck disable=SC2086 -- the list is meant to be split
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $packages
