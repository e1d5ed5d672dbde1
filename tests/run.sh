#!/usr/bin/env bash
# Builds switchback and runs its tests: unit, integration, fault. Installs what that needs. The last line says how many
# test cases passed and failed.
#
#   tests/run.sh [LABEL…]      only these labels
#   PRESET=asan tests/run.sh   another build than release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/setup.sh

preset=${PRESET:-release}
labels=("$@")
[ ${#labels[@]} -gt 0 ] || labels=(unit integration fault)
build=build/$preset

need_to_test
cmake --preset "$preset" >/dev/null
targets=(switchback)
for label in "${labels[@]}"; do targets+=("${label}_tests"); done
cmake --build --preset "$preset" --target "${targets[@]}"

counts=$(mktemp)
clean_up() {
  rm -f "$counts"
  # What a killed test binary left running. A living one is not ours to stop.
  local folder pid
  for folder in "${TMPDIR:-/tmp}"/switchback-test-*; do
    [ -d "$folder" ] || continue
    pid=${folder##*/switchback-test-}
    [ -d "/proc/${pid%%-*}" ] || "$build/switchback" sandbox down --dir "$folder" >&2 || true
  done
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Each test binary adds a line "passed failed" when its run ends; one that adds none, or fails without having counted a
# failure, has crashed.
passed=0 failed=0
for label in "${labels[@]}"; do
  : >"$counts"
  result=0
  SWITCHBACK_TEST_COUNTS=$counts ctest --test-dir "$build" -L "^$label\$" --output-on-failure --no-tests=error \
    --timeout "${TEST_TIMEOUT:-1500}" </dev/null || result=$?
  label_passed=$(awk '{ n += $1 } END { print n + 0 }' "$counts")
  label_failed=$(awk '{ n += $2 } END { print n + 0 }' "$counts")
  if [ "$result" != 0 ] && [ "$label_failed" = 0 ]; then label_failed=1; fi
  echo "$label: $label_passed passed, $label_failed failed"
  passed=$((passed + label_passed))
  failed=$((failed + label_failed))
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
