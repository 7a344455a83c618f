#!/usr/bin/env bash
# build.sh -- one command for each thing a person does with this repository. See ./build.sh --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'TEXT'
Usage: ./build.sh [command] [arguments]

  (no command)    install the npm packages, build the C runtime and the library, each only if something changed
  packages        install the npm packages, if something changed
  runtime         the same, and build the C runtime
  watch           build, then rebuild what each change in csrc/ and src/ touches, until Ctrl-C
  demo            build, then profile examples/leaky.c: prints which code holds the heap, writes heap.pb.gz
  tools           install the tools that the tests compare with (through apt) and the C sources that they compile;
                  name what is missing where apt cannot be used
  test [args]     build, name the missing tools, run all tests (args go to vitest: ./build.sh test test/profile)
  bench [args]    build, install the tools that the benchmark compares with, run it
                  (--quick, --only NAME, --guard)
  clean           remove what was built, keep node_modules
  --help          this text

All commands need Node.js 20 or newer and npm. `tools` and `bench` call apt-get, as root or through sudo without a
password. `test` installs nothing: tests whose tool is missing fail.
TEXT
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 2; }
[ -t 2 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '==> %s\n' "$*" >&2; }

check_node() {
  command -v node >/dev/null || fail 'Node.js is not installed; version 20 or newer is needed'
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "Node.js $(node -v) is too old; version 20 or newer is needed"
  command -v npm >/dev/null || fail 'npm is not installed'
}

# npm writes node_modules/.package-lock.json last, so its age tells whether the lock file has changed since.
packages_are_current() {
  [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]
}

install_packages() {
  packages_are_current && return
  say 'installing npm packages'
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
}

# Tells whether a file in these places is newer than the stamp of the last build.
changed() {
  local stamp=$1
  shift
  [ ! -f "$stamp" ] || [ -n "$(find "$@" -newer "$stamp" -print -quit)" ]
}

# Remembers when a build began, because a source that changes during the build must count as newer.
start_build() {
  mkdir -p .cache/built
  touch .cache/built/start
}

build_runtime() {
  local stamp=.cache/built/wasm
  [ -f wasm/heapline-wasi.o ] && ! changed "$stamp" csrc include scripts package-lock.json && return
  say 'building the C runtime (wasm/)'
  start_build
  node scripts/build-runtime.mjs
  mv .cache/built/start "$stamp"
}

build_library() {
  local stamp=.cache/built/dist
  [ -f dist/index.js ] && ! changed "$stamp" src scripts client.d.ts tsup.config.ts tsconfig.json package.json \
    package-lock.json && return
  say 'building the library (dist/)'
  start_build
  rm -rf dist # the names of its parts change with their content
  npx --no-install tsup --silent
  mv .cache/built/start "$stamp"
}

build() {
  check_node
  install_packages
  build_runtime
  build_library
}

# The tools that the tests compare with: command, then the Debian package that has it.
TEST_TOOLS=(
  'gcc gcc' 'clang clang' 'wasm-ld lld' 'clang-22 clang-22' 'wasm-ld-22 lld-22' 'llvm-symbolizer-22 llvm-22'
  'make make' 'cmake cmake' 'meson meson' 'ninja ninja-build' 'ccache ccache' 'emcc emscripten' 'go golang-go' 'valgrind valgrind' 'wat2wasm wabt' 'curl curl' 'chromium chromium'
)
# Files rather than commands: path pattern, then package.
TEST_FILES=(
  '/usr/lib/wasm32-wasi/libc.a wasi-libc'
  '/usr/lib/llvm-14/lib/clang/14*/lib/wasi/libclang_rt.builtins-wasm32.a libclang-rt-14-dev-wasm32'
  '/usr/lib/llvm-22/lib/clang/22*/lib/w*/libclang_rt.builtins*.a libclang-rt-22-dev-wasm32'
  '/usr/lib/llvm-22/lib/wasm32-wasi/libc++.a libc++-22-dev-wasm32'
  '/usr/bin/rustc rustc' '/usr/bin/cargo cargo'
  '/usr/lib/rustlib/wasm32-wasi*/lib/libstd-*.rlib libstd-rust-dev-wasm32'
)

missing_packages() {
  local entry
  for entry in "${TEST_TOOLS[@]}"; do command -v "${entry%% *}" >/dev/null || echo "${entry##* }"; done
  for entry in "${TEST_FILES[@]}"; do compgen -G "${entry%% *}" >/dev/null || echo "${entry##* }"; done
}

name_missing() {
  local missing
  missing=$(missing_packages | sort -u)
  [ -d .cache/corpora ] || say 'missing: the C sources that tests compile (.cache/corpora)'
  [ -z "$missing" ] || { say "missing (Debian package names): $(echo $missing)"; return 1; }
}

install_tools() {
  local missing sudo=()
  missing=$(missing_packages | sort -u)
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  if command -v apt-get >/dev/null && "${sudo[@]}" true 2>/dev/null; then
    say "installing with apt: $(echo $missing)"
    "${sudo[@]}" apt-get update -qq || true
    # shellcheck disable=SC2086
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || true
  fi
  name_missing
}

command=${1:-build}
[ $# -eq 0 ] || shift
case "$command" in
  build) build ;;
  packages)
    check_node
    install_packages
    ;;
  runtime)
    check_node
    install_packages
    build_runtime
    ;;
  demo)
    build
    say 'heapline run examples/leaky.c'
    node dist/cli.js run --toolchain embedded examples/leaky.c
    ;;
  watch)
    build
    exec node scripts/watch.mjs
    ;;
  tools)
    check_node
    node test/corpora/fetch.mjs
    install_tools
    # Sources of Debian, for the builds of other people's projects.
    node test/cc/projects/sources.mjs zlib cjson lua5.1
    ;;
  test)
    packages_are_current || fail 'the npm packages are missing or outdated; run ./build.sh first'
    build
    name_missing || say 'the tests that need these tools will fail; ./build.sh tools installs them'
    npx --no-install vitest run "$@"
    ;;
  bench)
    build
    node test/corpora/fetch.mjs
    bash bench/install-peers.sh
    npx --no-install tsx bench/main.ts "$@"
    ;;
  clean) rm -rf dist wasm/*.o .cache coverage heapline-report heap.pb.gz ;;
  -h | --help | help) usage ;;
  *) usage >&2; exit 2 ;;
esac
