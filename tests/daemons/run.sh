#!/usr/bin/env bash
# All daemons of a build as a local cluster: the canaries read and write through both routers, one
# storage node stops and one is killed, everything stops; a sanitizer's report anywhere is a failure.
# Usage: tests/daemons/run.sh BUILD_DIR
set -euo pipefail
build=${1:?usage: run.sh BUILD_DIR}
dir=$(mktemp -d)
tercet() { timeout 120 "$build/bin/tercet" "$@"; }
finish() {
  tercet local down --data "$dir/data" >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap finish EXIT
fail() {
  echo "daemons: $1" >&2
  head -n 60 "$dir"/report.* >&2 2>/dev/null || true
  tail -n 5 "$dir"/data/log/* >&2 2>/dev/null || true
  exit 1
}
for options in ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; do
  export "$options=${!options:-}:log_path=$dir/report"
done

open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free() { # the routers' ports, and those of every daemon's two listeners
  local p
  for p in "$1" $(($1 + 1)) $(seq $(($1 + 100)) $(($1 + 120))) $(seq $(($1 + 200)) $(($1 + 220))); do
    open "$p" && return 1
  done
  return 0
}
# Below the range that outgoing connections take their ports from.
port=$((10000 + RANDOM % 70 * 300))
until free "$port"; do port=$((10000 + RANDOM % 70 * 300)); done

# Canary probes of any router that succeeded so far, by its own count.
probes() {
  local admin
  admin=$(tercet local ps --data "$dir/data" | awk '$2 == "canary-a" {print $NF}')
  exec 3<>"/dev/tcp/127.0.0.1/$admin"
  printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
  awk '/^tercet_canary_requests_total.*"ok"/ {n += $NF} END {print n + 0}' <&3
}
await_probes() { # more than there are now
  local goal i
  goal=$(($(probes) + $1))
  for i in $(seq 200); do
    (($(probes) >= goal)) && return 0
    sleep 0.2
  done
  fail "the canary got no further in 40 s"
}

tercet local up --port "$port" --data "$dir/data" --fresh >"$dir/up" 2>&1 || { cat "$dir/up" >&2; fail "no cluster"; }
await_probes 10
tercet local stop storage-a --data "$dir/data"
await_probes 4
tercet local start storage-a --data "$dir/data"
tercet local kill storage-b --data "$dir/data"
tercet local start storage-b --data "$dir/data"
await_probes 10
tercet local down --data "$dir/data" >/dev/null
reports=("$dir"/report.*)
if [[ -e ${reports[0]} ]]; then
  head -n 40 "${reports[@]}" >&2
  fail "sanitizer reports: ${#reports[@]}"
fi
echo "daemons: no reports"
