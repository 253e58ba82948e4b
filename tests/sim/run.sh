#!/usr/bin/env bash
# Deterministic simulation: seeds of the bare replication core and of whole storage nodes, on the
# release build. `./dev sim` and the sim step of `./dev test` call this; tests/sim/README.md tells more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=${TERCET_BIN:-build/release/bin}

usage() {
  cat >&2 <<'TEXT'
usage: ./dev sim [--seeds N] [--seed FIRST] [--core | --store | --suite] [--trace] [--probes] [--mutant NAME|NUMBER] [--scenario NAME]

  --seeds N        N seeds of whole nodes, 4 N of the replication core, N / 4 of whole clusters (default 200)
  --seed S         seeds from S on; without --seeds only that one
  --core, --store, --suite   one of the three simulators only
  --trace          print every line of the run
  --scenario NAME  whole clusters under one kind of fault, counted: one-way, rolling
  --mutant ack-before-sync   whole nodes that acknowledge before the log is synced: must be caught
  --mutant M       the core with fault M of tests/sim/core/mutants.txt (with --store: whole nodes with
                   fault M of tests/sim/store/mutants.txt): must be caught; ./dev mutants runs all
TEXT
  exit 2
}

seeds='' seed='' which=both mutant='' flags=()
while (($#)); do
  case $1 in
    --seeds) seeds=${2:?--seeds wants a number} && shift ;;
    --seed) seed=${2:?--seed wants a number} && shift ;;
    --mutant) mutant=${2:?--mutant wants a name} && shift ;;
    --core) which=core ;;
    --store) which=store ;;
    --suite) which=suite ;;
    --scenario) flags+=("$1" "${2:?--scenario wants a name}") && which=suite && shift ;;
    --trace | --probes) flags+=("$1") ;;
    *) usage ;;
  esac
  shift
done
[[ -n $seeds ]] || { [[ -n $seed ]] && seeds=1 || seeds=200; }
first=${seed:-1}

if [[ $mutant == ack-before-sync ]]; then
  which=store mutant=1
fi
if [[ -n $mutant ]]; then
  program=tercet-sim
  [[ $which != store ]] || program=tercet-sim-store_mutant
  [[ $which != suite ]] || program=tercet-sim-suite_mutant
  if "$bin/$program" --mutant "$mutant" --seed "$first" --seeds "$seeds" ${flags[@]+"${flags[@]}"}; then
    echo "mutant $mutant survives $seeds seeds" >&2
    exit 1
  fi
  exit 0
fi

# One process per half of the seeds; output of the second half follows the first's.
run_halves() { # count, program, flags
  local count=$1 program=$2
  shift 2
  if ((count < 2)); then
    "$program" --seed "$first" --seeds "$count" "$@"
    return
  fi
  local low=$((count / 2)) out failed=0
  out=$(mktemp)
  "$program" --seed $((first + low)) --seeds $((count - low)) "$@" >"$out" 2>&1 &
  local other=$!
  "$program" --seed "$first" --seeds "$low" "$@" || failed=1
  wait $other || failed=1
  cat "$out"
  rm -f "$out"
  return $failed
}

# A seed of the core is short, one of a whole cluster long.
core=$((4 * seeds)) store=$seeds suite=$(((seeds + 3) / 4))
[[ -z $seed || $seeds != 1 ]] || core=1
[[ $which != suite ]] || suite=$seeds
failed=0
run() { # name, what it is, count, program
  [[ $which == both || $which == "$1" ]] || return 0
  echo "$2, $3 seeds from $first:"
  run_halves "$3" "$bin/$4" ${flags[@]+"${flags[@]}"} || failed=1
}
run core "replication core" $core tercet-sim
run store "whole nodes" $store tercet-sim-store
run suite "whole clusters" $suite tercet-sim-suite
((failed == 0)) || echo "simulation FAILED" >&2
exit $failed
