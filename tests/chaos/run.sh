#!/usr/bin/env bash
# ./dev chaos: runs main.py in namespaces of its own for processes, mounts and network. When that ends, even by SIGKILL, the
# kernel ends every process of the run and removes its mounts, loop devices, links and rules; folders are removed by the next run.
# Usage: tests/chaos/run.sh [options of main.py]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
spaces=(unshare --net --mount --pid --fork --kill-child --mount-proc)

problem() { # why this machine cannot run it; nothing if it can
  [[ $(id -u) == 0 ]] || { echo "it needs root, for namespaces and mounts"; return; }
  "${spaces[@]}" true 2>/dev/null || { echo "namespaces are not permitted here"; return; }
  local dir
  dir=$(mktemp -d)
  truncate -s 8M "$dir/image"
  mkfs.ext4 -q -F "$dir/image" 2>/dev/null && mkdir "$dir/mnt" && "${spaces[@]}" mount -o loop "$dir/image" "$dir/mnt" 2>/dev/null ||
    echo "loop mounts are not permitted here"
  rm -rf "$dir"
}

# What runs that ended badly left behind: only folders.
sweep() {
  local work
  for work in build/chaos/*/work; do
    [[ -e $work/pid ]] || continue
    kill -0 "$(cat "$work/pid")" 2>/dev/null || rm -rf "$work/disk" "$work/data" "$work/pid"
  done
}

for arg in "$@"; do
  [[ $arg == -h || $arg == --help ]] && exec /usr/bin/python3 tests/chaos/main.py --out - --help
done
why=$(problem)
if [[ -n $why ]]; then
  echo "chaos: skipped: $why" >&2
  exit "${TERCET_CHAOS_SKIP_CODE:-1}"
fi
sweep
out=build/chaos/$(date +%Y%m%d-%H%M%S)-$$
mkdir -p "$out/work"
echo $$ >"$out/work/pid"
exec "${spaces[@]}" /usr/bin/python3 tests/chaos/main.py --out "$out" "$@"
