#!/usr/bin/env bash
# Exhaustive search of models/election_lease.pml in two small scopes, and of its mutants.
# Usage: models/check.sh   (needs spin and gcc; prints one line per search; exit 1 on a surprise)
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/election_lease.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# search NAME EXPECT(clean|caught) DEFINES...
search() {
  local name=$1 expect=$2 out errors states
  shift 2
  spin -a "$@" "$model" >/dev/null
  gcc -O2 -w -DSAFETY -DCOLLAPSE -DNOREDUCE -DMEMLIM=1024 -o pan pan.c
  out=$(./pan -E -m200000)
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' <<<"$out")
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$out")
  echo "$name: $expect expected, $errors errors in $states states"
  if grep -q "Search not completed\|max search depth too small" <<<"$out" && [[ $expect == clean ]]; then
    echo "$name: the search was cut short" >&2
    exit 1
  fi
  [[ ($expect == clean && $errors == 0) || ($expect == caught && $errors != 0) ]]
}

logs=(-DROUNDS=2 -DCANDIDATES=2 -DLEASE=0 -DTICKS=0 -DCRASHES=0)
lease=(-DROUNDS=1 -DCANDIDATES=2 -DLEASE=2 -DTICKS=3 -DCRASHES=1)
search "logs" clean "${logs[@]}"
search "logs, mutant 4" caught "${logs[@]}" -DMUTANT=4
search "logs, mutant 11" caught "${logs[@]}" -DMUTANT=11
search "lease" clean "${lease[@]}"
for m in 6 7 8 9; do
  search "lease, mutant $m" caught "${lease[@]}" -DMUTANT=$m
done
