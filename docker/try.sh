#!/usr/bin/env bash
# Runs the compose cluster for real: build, start, wait until healthy, load the demo, take a zone away,
# read everything back. Usage: docker/try.sh [--limit PACKAGES] [--keep]
set -euo pipefail
cd "$(dirname "$0")/.."
limit=() keep=0
while (($#)); do
  case $1 in
    --limit) limit=(--limit "$2"); shift 2 ;;
    --keep) keep=1; shift ;;
    *) echo "usage: docker/try.sh [--limit PACKAGES] [--keep]" >&2; exit 2 ;;
  esac
done
compose=(docker-compose -f docker/docker-compose.yml -p tercet)
endpoint=http://127.0.0.1:8000
echo "== building the image"
git archive --format=tar HEAD | DOCKER_BUILDKIT=0 docker build --network host -q -f docker/Dockerfile -t tercet - >/dev/null
trap '((keep)) || "${compose[@]}" down -v >/dev/null 2>&1' EXIT
"${compose[@]}" up -d
echo "== waiting until every container is healthy"
for _ in $(seq 90); do
  waiting=$(docker ps --filter label=com.docker.compose.project=tercet --format '{{.Names}} {{.Status}}' | grep -vc '(healthy)' || true)
  [[ $waiting == 0 ]] && break
  sleep 1
done
docker ps --filter label=com.docker.compose.project=tercet --format 'table {{.Names}}\t{{.Status}}'
[[ $waiting == 0 ]] || { echo "some containers are not healthy" >&2; exit 1; }
echo "== demo"
/usr/bin/python3 tools/demo/demo.py all --endpoint "$endpoint" "${limit[@]}"
echo "== zone b stops"
docker stop -t 10 $(docker ps --filter label=com.docker.compose.project=tercet --format '{{.Names}}' | grep -E -- '-b([_-]1)?$') >/dev/null
/usr/bin/python3 tools/demo/demo.py check --endpoint "$endpoint"
/usr/bin/python3 tools/demo/demo.py query --endpoint "$endpoint"
echo "== the cluster went on without zone b"
