#!/usr/bin/env bash
# Runs the compose cluster for real: build, start, wait until healthy, load the demo; an index and expiry times on live tables; a storage
# node is added, another one lost for good, and the groups heal; scrub; a zone goes away; everything is read back.
# Usage: docker/try.sh [--limit PACKAGES] [--keep] [--s3]
#   --limit N  load only the first N packages of this machine's package index
#   --keep     leave the cluster running
#   --s3       archive to an S3 server in the cluster instead of a volume (needs Go once, to install it)
# Needs docker, docker-compose, python3-boto3; root or membership of the group docker.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=() keep=0 s3=()
while (($#)); do
  case $1 in
    --limit) limit=(--limit "${2:?--limit needs a number of packages}"); shift 2 ;;
    --keep) keep=1; shift ;;
    --s3) s3=(--profile s3); shift ;;
    *) echo "usage: docker/try.sh [--limit PACKAGES] [--keep] [--s3]" >&2; exit 2 ;;
  esac
done
compose=(docker-compose -f docker/docker-compose.yml -p tercet "${s3[@]}")
if ((${#s3[@]})); then
  cache=${TERCET_CACHE:-$HOME/.cache/tercet}/s3
  [[ -x $cache/versitygw ]] || GOBIN=$cache go install github.com/versity/versitygw/cmd/versitygw@latest
  export TERCET_VERSITYGW_BIN=$cache/versitygw TERCET_ARCHIVE='s3://tercet?endpoint=http://s3:7070'
fi
endpoint=http://127.0.0.1:8000
export TERCET_STORAGE=storage-a:7000,storage-b:7000,storage-c:7000

containers() { docker ps --filter label=com.docker.compose.project=tercet "$@"; }

# Until every container is healthy; the S3 server has no health check, the certificates' has ended.
healthy() {
  local waiting=1
  for _ in $(seq 90); do
    waiting=$(containers --format '{{.Names}} {{.Status}}' | grep -v _s3_ | grep -vc '(healthy)' || true)
    [[ $waiting == 0 ]] && return 0
    sleep 1
  done
  containers --format 'table {{.Names}}\t{{.Status}}' >&2
  echo "some containers are not healthy; docker logs NAME tells why" >&2
  return 1
}

# The command line in a container of the cluster, which has the certificates.
tercet() {
  local command=$1
  shift
  docker exec tercet_memds-a_1 tercet "$command" --storage "$TERCET_STORAGE" --scrubber scrubber-a:7000 \
    --cluster compose --tls-cert /tls/node.crt --tls-key /tls/node.key --tls-ca /tls/ca.crt "$@"
}

# One of a container's own metrics; the image has no curl.
metric() {
  docker exec "$1" bash -c 'exec 3<>/dev/tcp/127.0.0.1/7001; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' | sed -n "s/^$2 //p"
}

# Storage nodes hear each other: at least half as many beats come in as go out.
beats() {
  local node in out
  for node in storage-a storage-c; do
    in=$(metric "tercet_${node}_1" tercet_storage_beats_in_total) out=$(metric "tercet_${node}_1" tercet_storage_beats_out_total)
    echo "$node: $out beats sent, $in heard"
    ((in * 2 > out)) || { echo "$node does not hear the others" >&2; return 1; }
  done
}

# tercet COMMAND until it says that all is well, at most so many seconds.
well() {
  local seconds=$1 since=$SECONDS
  shift
  until "$@" >/tmp/tercet-try.out 2>&1; do
    ((SECONDS - since < seconds)) || { cat /tmp/tercet-try.out >&2; echo "not after $seconds s: $*" >&2; return 1; }
    sleep 1
  done
  echo "after $((SECONDS - since)) s: $(tail -1 /tmp/tercet-try.out)"
}

demo() { /usr/bin/python3 tools/demo/demo.py "$@" --endpoint "$endpoint"; }

checks() { /usr/bin/python3 docker/check.py "$@" --endpoint "$endpoint"; }

# With TERCET_STORAGE as it is now: autoadmin and the scrubber are made anew, nothing else is.
adopt_storage_list() { "${compose[@]}" up -d --no-deps autoadmin-a scrubber-a >/dev/null 2>&1; }

echo "== building the image"
git archive --format=tar HEAD | DOCKER_BUILDKIT=0 docker build --network host -q -f docker/Dockerfile -t tercet - >/dev/null
trap '((keep)) || "${compose[@]}" --profile spare down -v >/dev/null 2>&1' EXIT
"${compose[@]}" up -d
echo "== waiting until every container is healthy"
healthy
containers --format 'table {{.Names}}\t{{.Status}}'
echo "== demo"
demo all "${limit[@]}"
echo "== a global index on the live table"
checks index
echo "== items expire"
checks expiry
tercet tables
beats
echo "== a storage node more in zone b"
"${compose[@]}" --profile spare up -d --no-deps storage-b2 2>/dev/null
TERCET_STORAGE+=,storage-b2:7000
adopt_storage_list
healthy
tercet nodes
echo "== storage-b is lost, with its disk"
docker rm -f tercet_storage-b_1 >/dev/null && docker volume rm tercet_storage-b >/dev/null
demo check
well 240 tercet heal
TERCET_STORAGE=storage-a:7000,storage-c:7000,storage-b2:7000 # it does not come back
adopt_storage_list
healthy
tercet nodes
demo check
echo "== scrub: every copy against the archive, indexes against their tables"
well 120 tercet scrub
tail -6 /tmp/tercet-try.out
echo "== zone b stops"
docker stop -t 10 $(containers --format '{{.Names}}' | grep -E -- '-b2?_1$') >/dev/null
demo check
demo query
echo "== the cluster went on without zone b"
