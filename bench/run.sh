#!/usr/bin/env bash
# ./dev bench [macro|micro]: every figure beside its baseline in the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-macro}
case $what in
  macro) exec /usr/bin/python3 bench/macro/run.py build/release ;;
  micro) for b in build/release/bench/micro_*; do echo "== ${b##*/micro_}"; "$b"; done ;;
  *) echo "usage: ./dev bench [macro|micro]" >&2; exit 2 ;;
esac
