#!/usr/bin/env bash
# The S3 store against versitygw, an S3 server that verifies signatures, checksums and conditions.
# Usage: tests/integration/s3/run.sh [BUILD_DIR]   (default build/dev; needs Go once, to install the server)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
build=${1:-build/dev}
cache=${TERCET_CACHE:-$HOME/.cache/tercet}/s3
server=$cache/versitygw

if [[ ! -x $server ]]; then
  mkdir -p "$cache"
  GOBIN=$cache go install "github.com/versity/versitygw/cmd/versitygw@${TERCET_VERSITYGW:-latest}"
fi
work=$(mktemp -d)
pids=()
stop() {
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 \
  -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start() { # name, port, further options
  local name=$1 port=$2
  shift 2
  mkdir -p "$work/$name/tercet-archive"
  ROOT_ACCESS_KEY=tercetkey ROOT_SECRET_KEY=tercetsecret \
    "$server" --port "127.0.0.1:$port" "$@" posix "$work/$name" >"$work/$name.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.05
  done
  cat "$work/$name.log" >&2
  exit 1
}

plain=$(free_port)
start plain "$plain"
virtual=$(free_port)
start virtual "$virtual" --virtual-domain localhost
tls=$(free_port)
start tls "$tls" --cert "$work/cert.pem" --key "$work/key.pem"

flaky=$(free_port)
python3 tests/integration/s3/flaky.py "$flaky" "$plain" &
pids+=($!)

export TERCET_S3_FLAKY_ENDPOINT=http://127.0.0.1:$flaky
export TERCET_S3_ENDPOINT=http://127.0.0.1:$plain TERCET_S3_BUCKET=tercet-archive
export TERCET_S3_VIRTUAL_ENDPOINT=http://localhost:$virtual
export TERCET_S3_TLS_ENDPOINT=https://127.0.0.1:$tls TERCET_S3_CA=$work/cert.pem
export TERCET_S3_KEY_ID=tercetkey TERCET_S3_SECRET=tercetsecret
"$build/tests/integration/s3/test_objstore_s3"
