#!/usr/bin/env bash
# ./dev differential: a local three-zone cluster of its own, then main.py against both of its routers.
# Usage: tests/differential/run.sh [options of main.py]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for arg in "$@"; do
  [[ $arg == -h || $arg == --help ]] && exec python3 tests/differential/main.py --help
done
tercet=${TERCET_BIN:-build/release/bin}/tercet
data=$(mktemp -d -t tercet-differential-XXXXXX)
port=$((12000 + $$ % 200 * 100))
trap '"$tercet" local down --data "$data" >/dev/null 2>&1 || true; rm -rf "$data"' EXIT
"$tercet" local up --data "$data" --port "$port" --fresh >"$data/up.txt" || { cat "$data/up.txt" >&2; exit 1; }
python3 tests/differential/main.py --endpoint "http://127.0.0.1:$port,http://127.0.0.1:$((port + 1))" "$@"
