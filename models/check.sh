#!/usr/bin/env bash
# Exhaustive searches of the Spin models, and of their deliberate faults, each of which must be refuted.
# Usage: models/check.sh [--large] [MODEL...]
#   MODEL    election_lease, log_replica, split; default: all
#   --large  the larger scopes instead of those of ./dev test: minutes, gigabytes; ./dev models does this
# Needs spin and gcc. Prints one row per search; exit 1 if one is not what it must be.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
large=0
failed=0

# search EXPECT(clean|refuted) SCOPE DEFINES...; kind=safety, or live: the model's ltl under weak fairness
search() {
  local expect=$1 scope=$2 flags run out code=0 errors states at
  shift 2
  flags=(-DSAFETY -DNOREDUCE -O2)
  run=(-E -m400000)
  if [[ $kind == live ]]; then
    flags=(-DNFAIR=3 -O2)
    run=(-a -f -E -m400000)
  fi
  [[ $expect == clean ]] || flags[-1]=-O1 # a short search: compiling is most of it
  spin -a "$@" "$here/$model.pml" >spin.out 2>&1 || { cat spin.out >&2; exit 1; }
  gcc -w -DCOLLAPSE -DMEMLIM="${TERCET_MODEL_MB:-6000}" "${flags[@]}" -o pan pan.c
  at=$(date +%s%N)
  out=$(./pan "${run[@]}") || code=$?
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' <<<"$out")
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$out")
  local verdict="no error"
  if [[ -z $errors || $code != 0 ]]; then
    verdict="no verdict (exit $code)"
  elif [[ $errors != 0 ]]; then
    verdict="refuted: $(grep -om1 'acceptance cycle\|assertion violated' <<<"$out" || true)"
  elif grep -q "Search not completed\|max search depth too small" <<<"$out"; then
    verdict="cut short"
  fi
  printf '%-15s %-62s %11s states %7.1f s  %s\n' "$model" "$scope" "$states" "$((($(date +%s%N) - at) / 100000000))e-1" "$verdict"
  [[ ($expect == clean && $verdict == "no error") || ($expect == refuted && $verdict == refuted*) ]] || failed=1
}

# mutants SCOPE-DEFINES... -- NUMBER...
mutants() {
  local defines=() m
  while [[ $1 != -- ]]; do defines+=("$1") && shift; done
  shift
  for m in "$@"; do search refuted "fault $m" "${defines[@]}" -DMUTANT="$m"; done
}

election_lease() {
  local logs=(-DROUNDS=2 -DCANDIDATES=2 -DLEASE=0 -DTICKS=0 -DCRASHES=0)
  local lease=(-DROUNDS=1 -DCANDIDATES=2 -DLEASE=2 -DTICKS=3 -DCRASHES=1)
  search clean "logs: 2 candidates, 2 rounds" "${logs[@]}"
  search clean "leases of 2 ticks, 3 ticks, 1 crash" "${lease[@]}"
  mutants "${logs[@]}" -- 4 11
  mutants "${lease[@]}" -- 6 7 8 9
}

log_replica() {
  local small=(-DBALLOTS=2 -DSLOTS=4 -DWRITES=1)
  if ((large)); then
    search clean "1 election, logs of 6, 1 write" -DBALLOTS=2 -DSLOTS=6 -DWRITES=1
    return
  fi
  search clean "1 election, logs of 4, 1 write" "${small[@]}"
  kind=live search clean "no jam: a change, then the calm with one replica down" -DBALLOTS=1 -DSLOTS=4 -DWRITES=0 -DCALM=1
  mutants "${small[@]}" -- 4 11 13 14 15 29 35 71
  mutants -DBALLOTS=3 -DSLOTS=4 -DWRITES=1 -- 12
  kind=live
  mutants -DBALLOTS=1 -DSLOTS=4 -DWRITES=0 -DCALM=1 -- 31 72
  kind=safety
}

split() {
  local child=(-DSLOTS=3 -DWRITES=1 -DLEASE=1 -DTICKS=1 -DPREFIXES=0 -DPARENT_BALLOTS=1 -DCHILD_BALLOTS=3)
  local parent=(-DSLOTS=4 -DWRITES=1 -DLEASE=1 -DTICKS=1 -DPREFIXES=0 -DPARENT_BALLOTS=2 -DCHILD_BALLOTS=2)
  local restart=(-DSLOTS=4 -DWRITES=2 -DLEASE=1 -DTICKS=0 -DPREFIXES=0 -DPARENT_BALLOTS=1 -DCHILD_BALLOTS=2)
  if ((large)); then
    search clean "child election, partial logs, 1 crash" -DSLOTS=3 -DWRITES=1 -DLEASE=1 -DTICKS=1 -DPREFIXES=1 \
      -DPARENT_BALLOTS=1 -DCHILD_BALLOTS=3 -DCRASHES=1
    search clean "parent election, partial logs" -DSLOTS=4 -DWRITES=1 -DLEASE=1 -DTICKS=1 -DPREFIXES=1 \
      -DPARENT_BALLOTS=2 -DCHILD_BALLOTS=2 -DCRASHES=0
    return
  fi
  search clean "an election of the child" "${child[@]}" -DCRASHES=0
  search clean "an election of the parent" "${parent[@]}" -DCRASHES=0
  search clean "a restart of any node" "${restart[@]}" -DCRASHES=1
  mutants "${child[@]}" -DCRASHES=0 -- 41 42
  mutants "${parent[@]}" -DCRASHES=0 -- 9 73
  mutants "${restart[@]}" -DCRASHES=1 -- 40
}

names=()
for a in "$@"; do
  case $a in
    --large) large=1 ;;
    election_lease | log_replica | split) names+=("$a") ;;
    *) sed -n '2,7p' "$here/check.sh" >&2; exit 2 ;;
  esac
done
((${#names[@]})) || names=(election_lease log_replica split)
for model in "${names[@]}"; do
  kind=safety
  "$model"
done
((failed == 0)) || { echo "a model is not what it must be" >&2; exit 1; }
