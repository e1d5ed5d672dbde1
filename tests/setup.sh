# Sourced by tests/run.sh, .ci/run and examples/quickstart.sh: makes sure that what they need is installed.
# Debian 12 or newer, Ubuntu 24.04 or newer; elsewhere it says what is missing.
#
#   need_packages PACKAGE…   install those that are not there
#   need_to_build            what building and running switchback needs
#   need_to_test             and what its tests need
#   need_to_bench            and its benchmark

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "This needs root, and there is no sudo: $*" >&2
    return 1
  fi
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >&2
}

need_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null; then
    echo "Not Debian or Ubuntu: make sure that the like of these is installed: $*" >&2
    return 0
  fi
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing: ${missing[*]}" >&2
  # The lists may be absent (containers) or out of date: look again when it fails.
  if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && apt_install "${missing[@]}"; then
    return 0
  fi
  as_root apt-get update -q </dev/null >&2
  apt_install "${missing[@]}"
}

has_postgres() {
  [ -n "${SWITCHBACK_PG_BIN:-}" ] || command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

# Debian's package makes and starts a cluster on port 5432 when it is installed; nobody asked for one here.
need_postgres() {
  has_postgres && return 0
  local folder=/etc/postgresql-common/createcluster.d file
  file=$folder/switchback-no-cluster.conf
  if command -v dpkg-query >/dev/null; then
    as_root mkdir -p "$folder"
    echo 'create_main_cluster = false' | as_root tee "$file" >/dev/null
  fi
  local result=0
  need_packages postgresql || result=$?
  as_root rm -f "$file"
  return "$result"
}

# The default of Debian 12 is 1.74, which is too old.
boost_package() {
  if apt-cache show libboost1.81-dev >/dev/null 2>&1; then echo libboost1.81-dev; else echo libboost-dev; fi
}

has_boost() {
  local header=/usr/include/boost/version.hpp
  [ -f "$header" ] && [ "$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' "$header")" -ge 108100 ]
}

need_boost() {
  has_boost && return 0
  command -v dpkg-query >/dev/null || return 0
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || as_root apt-get update -q </dev/null >&2
  need_packages "$(boost_package)"
}

need_to_build() {
  need_packages g++ cmake ninja-build pkg-config ccache libpqxx-dev libpq-dev libssl-dev libspdlog-dev libyaml-cpp-dev \
    nlohmann-json3-dev libcli11-dev libpg-query-dev libprotobuf-c-dev
  need_boost
  need_postgres
}

# Packages that start a service of their name on its usual port, now and at every boot; the tests start their own.
# Masked, systemd leaves it alone; where there is none, policy-rc.d does.
need_unstarted() {
  if ! command -v dpkg-query >/dev/null; then
    need_packages "$@"
    return
  fi
  local package unit missing='' policy=/usr/sbin/policy-rc.d made=''
  for package in "$@"; do
    is_installed "$package" && continue
    missing=1
    unit=/etc/systemd/system/$package.service
    if [ -e "$unit" ] || [ -L "$unit" ]; then continue; fi
    as_root mkdir -p /etc/systemd/system && as_root ln -s /dev/null "$unit" || return 1
  done
  if [ -n "$missing" ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy" || return 1
    made=$policy
  fi
  local result=0
  need_packages "$@" || result=$?
  [ -z "$made" ] || as_root rm -f "$made"
  return "$result"
}

# An extension for the newest PostgreSQL there is, where it is a package.
need_extension() {
  command -v dpkg-query >/dev/null || return 0
  local newest package
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  package=postgresql-$(basename "${newest%/bin/postgres}")-$1
  if apt-cache show "$package" >/dev/null 2>&1; then need_packages "$package"; fi
}

need_to_test() {
  need_to_build
  need_packages catch2 libvalijson-dev openssl python3
  need_unstarted prometheus prometheus-alertmanager pgbouncer barman pgbackrest
  need_extension cron
  need_extension plpgsql-check
}

need_to_bench() {
  need_postgres
  need_packages python3 python3-psycopg2
}
