#!/usr/bin/env bash
# ./dev test clients: further clients against a local cluster: the Go and Java SDKs, PynamoDB, ElectroDB, the aws command,
# Terraform where it is installed, dynamodb-admin in a headless browser.
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
# The SDK asks for a newer Go than Debian 12 has; test_go_sdk is skipped, and says so, where there is none.
rm -f "$TERCET_CLIENTS/go-client"
wants=$(sed -n 's/^go //p' "$here/go/go.mod")
has=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
if [[ $(printf '%s\n' "$wants" "${has:-0}" | sort -V | head -1) == "$wants" ]]; then
  (cd "$here/go" && go build -o "$TERCET_CLIENTS/go-client" .)
fi
mvn -q -B -f "$here/java/pom.xml" -Dout="$TERCET_CLIENTS/java" compile dependency:copy-dependencies -DoutputDirectory="$TERCET_CLIENTS/java/lib"
rm -rf "$TERCET_CLIENTS/screens"
cd "$here"
exec "$TERCET_CLIENTS/venv/bin/python" -m pytest -q -x -p no:cacheprovider "$@"
