#!/usr/bin/env bash
# The main job of switchback, on a real PostgreSQL primary with a streaming replica: a column of a live table is split
# in two while two images of an application work on it. One is rolled back on the way. At the end every write that
# either was told is done is looked for. Installs what it needs, builds, and cleans up behind itself.
#
#   examples/quickstart.sh            some 3 minutes, and 5 more when it has to build first
#   SWITCHBACK_BINARY=…               use this one, build nothing
#   KEEP=1                            leave the servers running at the end, to look around
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
. tests/setup.sh
rows=${ROWS:-500000}
plan=$here/quickstart/split-full-name.yaml
begin=$SECONDS

say() { printf '\n\033[1m[%3d s] %s\033[0m\n' $((SECONDS - begin)) "$*"; }
tell() { printf '        %s\n' "$*"; }
give_up() { printf '\nFAILED: %s\n' "$*" >&2; exit 1; }

# ---- what is needed -------------------------------------------------------------------------------------------------
if [ -z "${SWITCHBACK_BINARY:-}" ]; then
  say "Installing what is missing, and building switchback"
  need_to_build
  cmake --preset release >/dev/null
  cmake --build --preset release --target switchback
  SWITCHBACK_BINARY=$PWD/build/release/switchback
else
  need_postgres
fi
for folder in $(compgen -G '/usr/lib/postgresql/*/bin' | sort -V) "${SWITCHBACK_PG_BIN:-}"; do PATH=$folder:$PATH; done
sb() { "$SWITCHBACK_BINARY" -c "$work/switchback.yaml" "$@"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/switchback-quickstart-XXXXXX")
touch "$work/application-errors"
chmod 755 "$work"  # the servers of root run as another account
children=()
clean_up() {
  touch "$work/stop-v41" "$work/stop-v42"
  local child
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ -n "${KEEP:-}" ]; then
    echo "Left running. Away with it: $SWITCHBACK_BINARY sandbox down --dir $work/sandbox && rm -r $work"
  else
    "$SWITCHBACK_BINARY" sandbox down --dir "$work/sandbox" 2>/dev/null || true
    rm -rf "$work"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the application ------------------------------------------------------------------------------------------------
# pgbench in slices of two seconds: each ends by itself and says how many transactions of which kind the server has
# acknowledged. That is what the application knows to be done, and what must be found in the end.
traffic() {
  local tag=$1 slice=$work/slice-$1
  until [ -e "$work/stop-$tag" ]; do
    if ! PGAPPNAME="shop:$tag" pgbench -n -T 2 -c 3 -j 1 -R 400 -D "rows=$rows" -f "$here/quickstart/${tag}_edit.sql@5" \
      -f "$here/quickstart/${tag}_register.sql@1" -f "$here/quickstart/${tag}_read.sql@6" "$DATABASE_URL" \
      >"$slice" 2>"$slice.err"; then
      { echo "shop:$tag:"; cat "$slice.err"; } >>"$work/application-errors"
    fi
    awk '/^SQL script/ { kind = $0; sub(/.*_/, "", kind); sub(/\.sql.*/, "", kind) }
         / - [0-9]+ transactions/ { print kind, $2 }' "$slice" >>"$work/acknowledged-$tag"
  done
}
deploy() {
  rm -f "$work/stop-$1"
  traffic "$1" &
  children+=($!)
  eval "traffic_$1=$!"
}
undeploy() {
  local child="traffic_$1"
  touch "$work/stop-$1"
  wait "${!child}"
}
acknowledged() { [ -e "$work/acknowledged-$1" ] || : >"$work/acknowledged-$1"; awk -v kind="$2" '$1 == kind { n += $2 } END { print n + 0 }' "$work/acknowledged-$1"; }
writes() { echo $(($(acknowledged "$1" edit) + $(acknowledged "$1" register))); }
sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" "$@"; }
state() { sb status split-full-name -o json 2>/dev/null | sed -n 's/.*"state": *"\([a-z_]*\)".*/\1/p' | head -n 1; }
expect_state() { [ "$(state)" = "$1" ] || give_up "the plan should be $1 and is $(state)"; }
# Waits until a command holds, at most so many seconds.
await() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.5
  done
}

served() { [ "$(writes "$1")" -ge "$2" ]; }

say "Starting a PostgreSQL primary with a streaming replica"
"$SWITCHBACK_BINARY" sandbox up --dir "$work/sandbox" >"$work/sandbox.txt" 2>"$work/sandbox.err" ||
  give_up "$(cat "$work/sandbox.err")"
DATABASE_URL=$(awk '$1 == "primary" { print $2 }' "$work/sandbox.txt")
replica=$(awk '$1 == "replica" { print $2 }' "$work/sandbox.txt")
export DATABASE_URL
# The replica is sampled, too: what runs on it the primary does not see.
cat "$here/quickstart/switchback.yaml" - >"$work/switchback.yaml" <<YAML
health: { replicas: [ { name: replica, connect: "$replica" } ] }
YAML
sed 's/^/        /' "$work/sandbox.txt"

say "A shop with $rows users, and its image shop:v41, which knows users.full_name"
sql -v rows="$rows" -f "$here/quickstart/schema.sql"
deploy v41

say "The plan: full_name becomes first_name and last_name. First a look at it"
sb validate "$plan"
sb init

say "EXPAND, while shop:v41 works on: new columns, and the sync between old and new"
sb run "$plan" --to expanded
expect_state expanded

say "MIGRATE, while shop:v41 works on: every row is filled, and compared"
sb run "$plan"
expect_state migrated
tell "shop:v41 has made $(writes v41) writes up to now"

say "shop:v42, which knows first_name and last_name only, is deployed beside shop:v41, and takes over"
deploy v42
await 30 served v42 300
undeploy v41
await 30 served v42 1000
tell "shop:v42 has made $(writes v42) writes"

say "shop:v42 does not please: back to shop:v41. Nothing has to be undone in the database"
deploy v41
undeploy v42
await 30 served v41 $(($(writes v41) + 1000))
tell "users that shop:v42 had registered and shop:v41 now finds by full_name: $(sql -c \
  "SELECT count(*) FROM users WHERE born_of = 'shop:v42' AND full_name LIKE 'Ann% Smith%'") of $(acknowledged v42 register)"

say "It was not its fault: shop:v42 again"
deploy v42
undeploy v41

say "CONTRACT is asked for. But a report of shop:v41 was forgotten and still reads full_name"
printf '%s\n' "SELECT count(*) FROM users WHERE full_name LIKE 'Ann1 %' \\watch 1" |
  PGAPPNAME=shop:v41 psql -XAtq -d "$DATABASE_URL" >/dev/null 2>&1 &
report=$!
children+=("$report")
hash=$(sb status split-full-name -o json | sed -n 's/.*"hash": *"sha256:\([0-9a-f]*\)".*/\1/p' | head -n 1)
sb run "$plan" --to contracted --wait --yes --approve "$hash" >"$work/contract.log" 2>&1 &
contract=$!
children+=("$contract")
held_for_the_report() {
  kill -0 "$contract" 2>/dev/null || { cat "$work/contract.log" >&2; give_up "contract ended instead of being held"; }
  sb status split-full-name -o json >"$work/status.json" 2>/dev/null && grep -q '"usage"' "$work/status.json" &&
    grep -q 'shop:v41' <(sed -n '/"hold"/,/"runner"/p' "$work/status.json")
}
await 40 held_for_the_report || { cat "$work/status.json" "$work/contract.log"; give_up "the forgotten report held nothing"; }
expect_state migrated
tell "Held, as it should be:"
sb status split-full-name | sed 's/^/        /'

say "The report is found and stopped. Now contract observes for 20 s, hides, waits 10 s, archives and drops"
kill "$report"
result=0
wait "$contract" || result=$?
sed 's/^/        /' "$work/contract.log"
[ "$result" = 0 ] || give_up "contract ended with $result"
expect_state contracted
await 30 served v42 $(($(writes v42) + 500))
undeploy v42

# ---- the report -----------------------------------------------------------------------------------------------------
say "Is anything lost?"
lost=0
count() { # what, acknowledged, found
  printf '        %-28s %8d acknowledged %8d found\n' "$1" "$2" "$3"
  [ "$2" = "$3" ] || lost=1
}
for tag in v41 v42; do
  count "shop:$tag changed names" "$(acknowledged "$tag" edit)" "$(sql -c "SELECT sum(edits_$tag) FROM users")"
  count "shop:$tag registered users" "$(acknowledged "$tag" register)" \
    "$(sql -c "SELECT count(*) FROM users WHERE born_of = 'shop:$tag'")"
  [ "$(writes "$tag")" -gt 0 ] || give_up "shop:$tag has written nothing: this shows nothing"
done
wrong=$(sql -f "$here/quickstart/wrong.sql")
tell "names that are not the last that was written: $wrong of $(sql -c 'SELECT count(*) FROM users')"
tell "reads that saw anything else but the last write: $(grep -c 'division by zero' "$work/application-errors" || true)"
position=$(sql -c "SELECT pg_current_wal_flush_lsn()")
on_replica() { psql -XAtq -v ON_ERROR_STOP=1 -d "$replica" "$@"; }
replayed() { [ "$(on_replica -c "SELECT pg_last_wal_replay_lsn() >= '$position'")" = t ]; }
await 30 replayed || give_up "the replica does not catch up"
wrong_there=$(on_replica -f "$here/quickstart/wrong.sql")
tell "the same on the replica: $wrong_there of $(on_replica -c 'SELECT count(*) FROM users')"
left=$(sql -c "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'full_name'")
[ "$left" = 0 ] || give_up "full_name is still there"
if [ -s "$work/application-errors" ]; then
  cat "$work/application-errors" >&2
  give_up "the application met errors"
fi
if [ "$lost" != 0 ] || [ "$wrong" != 0 ] || [ "$wrong_there" != 0 ]; then give_up "writes were lost"; fi
say "Every acknowledged write of both images is there. It took $((SECONDS - begin)) s"
