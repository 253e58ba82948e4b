#!/usr/bin/env bash
# ./dev bench [macro|micro|compare OLD_BUILD|node-lost|idle-groups]: every figure beside its baseline in the same run; compare: CPU per
# operation of this build and of another one (a folder with bin/); node-lost: a storage node killed under load, idle-groups: what 10,000
# idle groups cost, both as figures and a picture.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-macro}
case $what in
  macro) exec /usr/bin/python3 bench/macro/run.py build/release ;;
  compare) exec /usr/bin/python3 bench/macro/compare.py "${2:?the other build: a folder with bin/}" build/release "${@:3}" ;;
  node-lost) exec /usr/bin/python3 bench/macro/node_lost.py build/release ;;
  idle-groups) exec /usr/bin/python3 bench/macro/idle_groups.py build/release "${@:2}" ;;
  micro) for b in build/release/bench/micro_*; do echo "== ${b##*/micro_}"; "$b"; done ;;
  *) echo "usage: ./dev bench [macro|micro|compare OLD_BUILD|node-lost|idle-groups]" >&2; exit 2 ;;
esac
