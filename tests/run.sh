#!/usr/bin/env bash
# Builds switchback and runs its tests: unit, integration, fault. Installs what that needs. The last line says how many
# test cases passed and failed; the lines before it, which failed.
#
#   tests/run.sh [LABEL…]      only these labels
#   tests/run.sh --all-versions   the scenarios alone, on PostgreSQL 13 to 18; which locks were held and for how long is
#                                 in build/PRESET/scenario-locks.tsv afterwards
#   PRESET=asan tests/run.sh   another build than release
#
# A case tagged [timing] measures how soon something happens, on a machine that may be busy with something else: one
# that fails is run once more by itself, said aloud, and has failed when it fails again. No other case gets that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/setup.sh
. tests/postgres_versions.sh

case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' tests/run.sh; exit 0 ;;
esac
preset=${PRESET:-release}
if [ "${1:-}" = --all-versions ]; then
  set -- integration:13 integration:14 integration:15 integration:16 integration:17 integration:18
fi
labels=("$@")
[ ${#labels[@]} -gt 0 ] || labels=(unit integration fault)
build=build/$preset

need_to_test
cmake --preset "$preset" >/dev/null
targets=(switchback)
for label in "${labels[@]}"; do targets+=("${label%:*}_tests"); done
cmake --build --preset "$preset" --target "${targets[@]}"

notes=$(mktemp -d)
clean_up() {
  rm -rf "$notes"
  # What a killed test binary left running. A living one is not ours to stop.
  local folder pid
  for folder in "${TMPDIR:-/tmp}"/{,switchback-part-*/}switchback-test-*; do
    [ -d "$folder" ] || continue
    pid=${folder##*/switchback-test-}
    [ -d "/proc/${pid%%-*}" ] || "$build/switchback" sandbox down --dir "$folder" >&2 || true
  done
  rmdir "${TMPDIR:-/tmp}"/switchback-part-*/switchback "${TMPDIR:-/tmp}"/switchback-part-* 2>/dev/null || true
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Each test binary adds a line "passed failed" to counts when its run ends; one that adds none, or fails without having
# counted a failure, has crashed.
# LABEL:MAJOR is the scenarios among them, on that version of PostgreSQL.
run_label() {
  local label=${1%:*}
  : >"$notes/counts"
  : >"$notes/failures"
  SWITCHBACK_TEST_COUNTS=$notes/counts SWITCHBACK_TEST_FAILURES=$notes/failures ctest --test-dir "$build" \
    -L "^$label\$" -j "${TEST_JOBS:-3}" --output-on-failure --no-tests=error --timeout "${TEST_TIMEOUT:-3300}" </dev/null | cut -c 1-2000
}
counted() { awk -v column="$1" '{ n += $column } END { print n + 0 }' "$notes/counts"; }

passed=0 failed=0
for label in "${labels[@]}"; do
  result=0
  if [ "$label" != "${label%:*}" ]; then
    SWITCHBACK_PG_BIN=$(postgres_of "${label#*:}")
    export SWITCHBACK_PG_BIN SWITCHBACK_TESTS='[scenario]' SWITCHBACK_SCENARIO_LOCKS=$PWD/$build/scenario-locks.tsv
    [ "$label" != "${labels[0]}" ] || rm -f "$SWITCHBACK_SCENARIO_LOCKS"
  fi
  run_label "$label" || result=$?
  label_passed=$(counted 1)
  label_failed=$(counted 2)
  if [ "$result" != 0 ] && [ "$label_failed" = 0 ]; then label_failed=1; fi
  sed -n 's/^plain\t//p' "$notes/failures" >>"$notes/failed"
  sed -n 's/^timing\t//p' "$notes/failures" >"$notes/again"
  if [ -s "$notes/again" ]; then
    echo "=== once more, by themselves:"
    sed 's/^/  /' "$notes/again"
    SWITCHBACK_TEST_NAMES=$notes/again run_label "$label" || true
    recovered=$(counted 1)
    label_passed=$((label_passed + recovered))
    label_failed=$((label_failed - recovered))
    cut -f 2- "$notes/failures" >>"$notes/failed"
    grep -vxFf <(cut -f 2- "$notes/failures") "$notes/again" >>"$notes/late" || true
  fi
  echo "$label: $label_passed passed, $label_failed failed"
  passed=$((passed + label_passed))
  failed=$((failed + label_failed))
done

if [ -s "$notes/late" ]; then sed 's/^/in time only when run again: /' "$notes/late"; fi
if [ -s "$notes/failed" ]; then sed 's/^/failed: /' "$notes/failed"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
