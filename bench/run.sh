#!/usr/bin/env bash
# ./dev bench [macro|micro|node-lost]: every figure beside its baseline in the same run; node-lost: a storage node killed under
# load, as figures and a picture.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-macro}
case $what in
  macro) exec /usr/bin/python3 bench/macro/run.py build/release ;;
  node-lost) exec /usr/bin/python3 bench/macro/node_lost.py build/release ;;
  micro) for b in build/release/bench/micro_*; do echo "== ${b##*/micro_}"; "$b"; done ;;
  *) echo "usage: ./dev bench [macro|micro|node-lost]" >&2; exit 2 ;;
esac
