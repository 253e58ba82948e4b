#!/usr/bin/env bash
# Runs the compose cluster for real: build, start, wait until healthy, load the demo, take a zone away,
# read everything back. Usage: docker/try.sh [--limit PACKAGES] [--keep] [--s3]
#   --s3   archive to an S3 server in the cluster instead of a volume (needs Go once, to install it)
set -euo pipefail
cd "$(dirname "$0")/.."
limit=() keep=0 profile=()
while (($#)); do
  case $1 in
    --limit) limit=(--limit "$2"); shift 2 ;;
    --keep) keep=1; shift ;;
    --s3) profile=(--profile s3); shift ;;
    *) echo "usage: docker/try.sh [--limit PACKAGES] [--keep] [--s3]" >&2; exit 2 ;;
  esac
done
compose=(docker-compose -f docker/docker-compose.yml -p tercet "${profile[@]}")
if ((${#profile[@]})); then
  cache=${TERCET_CACHE:-$HOME/.cache/tercet}/s3
  [[ -x $cache/versitygw ]] || GOBIN=$cache go install github.com/versity/versitygw/cmd/versitygw@latest
  export TERCET_VERSITYGW_BIN=$cache/versitygw TERCET_ARCHIVE='s3://tercet?endpoint=http://s3:7070'
fi
endpoint=http://127.0.0.1:8000
echo "== building the image"
git archive --format=tar HEAD | DOCKER_BUILDKIT=0 docker build --network host -q -f docker/Dockerfile -t tercet - >/dev/null
trap '((keep)) || "${compose[@]}" down -v >/dev/null 2>&1' EXIT
"${compose[@]}" up -d
echo "== waiting until every container is healthy"
for _ in $(seq 90); do
  waiting=$(docker ps --filter label=com.docker.compose.project=tercet --format '{{.Names}} {{.Status}}' | grep -v _s3_ | grep -vc '(healthy)' || true)
  [[ $waiting == 0 ]] && break
  sleep 1
done
docker ps --filter label=com.docker.compose.project=tercet --format 'table {{.Names}}\t{{.Status}}'
[[ $waiting == 0 ]] || { echo "some containers are not healthy" >&2; exit 1; }
echo "== demo"
/usr/bin/python3 tools/demo/demo.py all --endpoint "$endpoint" "${limit[@]}"
echo "== scrub: every copy against the archive"
sleep 10
docker exec tercet_scrubber-a_1 tercet scrub --storage storage-a:7000,storage-b:7000,storage-c:7000 --scrubber scrubber-a:7000 \
  --cluster compose --tls-cert /tls/node.crt --tls-key /tls/node.key --tls-ca /tls/ca.crt | tail -6
echo "== zone b stops"
docker stop -t 10 $(docker ps --filter label=com.docker.compose.project=tercet --format '{{.Names}}' | grep -E -- '-b([_-]1)?$') >/dev/null
/usr/bin/python3 tools/demo/demo.py check --endpoint "$endpoint"
/usr/bin/python3 tools/demo/demo.py query --endpoint "$endpoint"
echo "== the cluster went on without zone b"
