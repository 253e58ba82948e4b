#!/usr/bin/env bash
# Real daemons, real clients: starts local clusters from BUILD_DIR/bin and runs the tests here.
# Usage: tests/integration/run.sh BUILD_DIR [pytest options]
#   TERCET_SCALE=N   packages loaded by the survival tests (default 1500; 0: all of them)
set -euo pipefail
cd "$(dirname "$0")"
build=$(realpath "../../${1:?usage: run.sh BUILD_DIR}" 2>/dev/null || realpath "$1")
shift
export TERCET_BIN=$build/bin
export TERCET_SEGMENT_AGE_MS=3000 # tests wait for the archive
if ! command -v npm >/dev/null; then
  apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi
export TERCET_JS=$build/js
if [[ ! -d $TERCET_JS/node_modules/@aws-sdk/client-dynamodb ]]; then
  mkdir -p "$TERCET_JS"
  (cd "$TERCET_JS" && npm init -y >/dev/null && npm install --loglevel=error --no-audit --no-fund @aws-sdk/client-dynamodb@3.600.0 >/dev/null)
fi
# The newest boto3, which knows every parameter of today's API.
if [[ ! -x $build/venv/bin/pytest ]]; then
  /usr/bin/python3 -m venv "$build/venv"
  "$build/venv/bin/pip" install -q --disable-pip-version-check boto3 pytest
fi
exec "$build/venv/bin/python" -m pytest -q -x -p no:cacheprovider "$@"
