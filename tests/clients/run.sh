#!/usr/bin/env bash
# ./dev test clients: further clients against a local cluster: Go SDK, PynamoDB, ElectroDB, dynamodb-admin in a headless browser.
# Usage: tests/clients/run.sh BUILD_DIR [pytest options]; packages, programs and screenshots in BUILD_DIR/clients.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "${1:?usage: run.sh BUILD_DIR}")
shift
export TERCET_BIN=$build/bin TERCET_CLIENTS=$build/clients
mkdir -p "$TERCET_CLIENTS"
if [[ ! -d $TERCET_CLIENTS/node_modules/electrodb ]]; then
  (cd "$TERCET_CLIENTS" && npm init -y >/dev/null && npm install --loglevel=error --no-audit --no-fund --ignore-scripts \
    @aws-sdk/client-dynamodb dynamodb-admin@5.3.3 electrodb@3.9.3 puppeteer-core@24 >/dev/null)
fi
if [[ ! -x $TERCET_CLIENTS/venv/bin/pytest ]]; then
  /usr/bin/python3 -m venv "$TERCET_CLIENTS/venv"
  "$TERCET_CLIENTS/venv/bin/pip" install -q --disable-pip-version-check boto3 pytest pynamodb
fi
(cd "$here/go" && go build -o "$TERCET_CLIENTS/go-client" .)
rm -rf "$TERCET_CLIENTS/screens"
cd "$here"
exec "$TERCET_CLIENTS/venv/bin/python" -m pytest -q -x -p no:cacheprovider "$@"
