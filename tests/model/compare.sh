#!/usr/bin/env bash
# The rules in tests/model/machine and models/trace.pml are one machine: in small instances both reach
# equally many states. Usage: tests/model/compare.sh MODEL_STATES [BALLOTS SLOTS]...   (needs spin, gcc)
set -euo pipefail
states=$(realpath "$1")
shift
(($#)) || set -- 1 2 1 3 2 1
model=$(cd "$(dirname "$0")/../.." && pwd)/models/trace.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
while (($#)); do
  spin -a -DBALLOTS="$1" -DSLOTS="$2" "$model" >/dev/null
  gcc -O2 -w -DSAFETY -DCOLLAPSE -DNOREDUCE -DMEMLIM=2000 -o pan pan.c
  out=$(./pan -E -m200000)
  spin=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$out")
  own=$("$states" "$1" "$2")
  # Spin counts the state before the processes run as one more.
  echo "$1 ballots, $2 slots: $spin states by Spin, $own by the rules in C"
  grep -q "errors: 0" <<<"$out" || { echo "Spin found an error" >&2; exit 1; }
  ((spin == own + 1)) || { echo "they differ" >&2; exit 1; }
  shift 2
done
