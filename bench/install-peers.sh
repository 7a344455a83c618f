#!/bin/sh
# Installs the tools that the benchmark compares with (Debian and Ubuntu packages; needs root or sudo).
# The benchmark itself leaves out a peer that is missing and says so, so this script is the way to a full table.
set -eu

packages="clang lld wasi-libc libclang-rt-dev-wasm32 emscripten heaptrack valgrind google-perftools
  libgoogle-perftools-dev libjemalloc2 gcc libc6-dev"

if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo"; fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-peers.sh: no apt-get here; install by hand: $packages" >&2
  exit 1
fi
# shellcheck disable=SC2086 -- the list is meant to be split
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $packages
