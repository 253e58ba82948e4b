#!/usr/bin/env bash
# Purity of lib/core by its symbols: what the core archives leave undefined must come from base, from
# core itself or from this short list. Catches time, rand, malloc, getenv and every system call.
# Usage: tools/lint/purity.sh BUILD_DIR   (a build without sanitizers)
set -euo pipefail
build=${1:?usage: purity.sh BUILD_DIR}
allow='^(memcpy|memmove|memset|memcmp|memchr|strlen|strcmp|strncmp|bsearch|qsort|__stack_chk_fail|__ctype_b_loc|_GLOBAL_OFFSET_TABLE_|__memcpy_chk|__memset_chk)$'
mapfile -t archives < <(find "$build/lib/core" -name 'lib*.a' | sort)
((${#archives[@]})) || { echo "purity: no core archives in $build" >&2; exit 2; }
defined=$(nm --defined-only -g "${archives[@]}" "$build/lib/base/libbase.a" 2>/dev/null | awk 'NF==3{print $3}' | sort -u)
undefined=$(nm -u "${archives[@]}" 2>/dev/null | awk '$1=="U"{print $2}' | sort -u)
bad=$(comm -23 <(echo "$undefined") <(echo "$defined") | grep -vE "$allow" || true)
if [[ -n $bad ]]; then
  echo "purity: lib/core uses symbols from outside base:" >&2
  for s in $bad; do
    for a in "${archives[@]}"; do nm -u "$a" 2>/dev/null | grep -qE " U $s\$" && echo "  $s in ${a##*/}" >&2; done
  done
  exit 1
fi
echo "purity: ${#archives[@]} core archives clean"
