#!/usr/bin/env bash
# A throwaway Postgres cluster, for tests and benchmarks.
#
#   tools/postgres.sh start DIR PORT [--no-fsync] [--tls]
#                                                   create DIR, start it, print its URL; with
#                                                   --tls it has a certificate of its own making
#   tools/postgres.sh stop DIR                      stop it and delete DIR
#   tools/postgres.sh pause DIR                     stop it as a failure would, and keep its data
#   tools/postgres.sh halt DIR                      stop it as its operator would, and keep its data
#   tools/postgres.sh resume DIR                    start it again
#   tools/postgres.sh free-port                     print a TCP port nobody listens on
#   tools/postgres.sh bin                           print where the Postgres programs are
#
# It listens on 127.0.0.1:PORT and on a socket in DIR, trusts every local connection, and sorts
# text by bytes (C), as SQLite does. Postgres refuses to run as root, so root becomes the user
# `postgres` for it. fsync stays on unless told otherwise: a benchmark without it is a fiction.
set -euo pipefail

version_min=14
connections_max=200
port_attempts_max=50

# The newest installed version: Debian keeps the programs off the path, others put them on it.
bin() {
  local found
  found=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
  if [[ -z $found ]] && command -v initdb >/dev/null; then
    found=$(dirname "$(command -v initdb)")
  fi
  if [[ ! -x $found/initdb ]]; then
    echo "postgres.sh: no Postgres programs found (Debian: apt-get install postgresql)" >&2
    return 1
  fi
  echo "$found"
}

# Runs one of Postgres's programs, never as root. It starts in the cluster's directory because
# the user `postgres` may not be allowed into ours.
as_postgres() {
  local dir=$1 program=$2
  shift 2
  cd "$dir"
  if [[ $(id -u) == 0 ]]; then
    setpriv --reuid=postgres --regid=postgres --init-groups "$(bin)/$program" "$@"
  else
    "$(bin)/$program" "$@"
  fi
}

check_version() {
  local major
  major=$("$(bin)/initdb" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
  if ((major < version_min)); then
    echo "postgres.sh: Postgres $major is too old, $version_min or newer is needed" >&2
    return 1
  fi
}

start() {
  local dir=$1 port=$2 fsync=on ssl=off option
  for option in "${@:3}"; do
    case $option in
      --no-fsync) fsync=off ;;
      --tls) ssl=on ;;
      *) echo "postgres.sh: unknown option $option" >&2; return 2 ;;
    esac
  done
  check_version
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  [[ $(id -u) != 0 ]] || chown postgres "$dir"
  as_postgres "$dir" initdb --pgdata="$dir/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale=C --lc-collate=C --no-sync >"$dir/initdb.log"
  cat >>"$dir/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
max_connections = $connections_max
fsync = $fsync
ssl = $ssl
SETTINGS
  [[ $ssl == off ]] || certify "$dir/data"
  resume "$dir"
  echo "postgres://postgres@127.0.0.1:$port/postgres"
}

# Debian's Postgres brings openssl with it.
certify() {
  local data=$1
  (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -days 30 -subj /CN=localhost -keyout "$data/server.key" -out "$data/server.crt" 2>/dev/null)
  [[ $(id -u) != 0 ]] || chown postgres "$data/server.key" "$data/server.crt"
}

# The server must not inherit our standard output, or a caller that captures it waits forever.
resume() {
  local dir=$1
  if ! as_postgres "$dir" pg_ctl start --pgdata="$dir/data" --log="$dir/server.log" --wait >/dev/null; then
    cat "$dir/server.log" >&2
    return 1
  fi
}

# As a failure would: nobody is told.
pause() {
  shut_down "$1" immediate
}

# As an operator would: connections that are open are told so and ended.
halt() {
  shut_down "$1" fast
}

shut_down() {
  local dir=$1 mode=$2
  if [[ -f $dir/data/postmaster.pid ]]; then
    as_postgres "$dir" pg_ctl stop --pgdata="$dir/data" --mode="$mode" --wait >/dev/null
  fi
}

stop() {
  local dir=$1
  [[ -d $dir ]] || return 0
  pause "$dir"
  # Only what `start` made: a mistyped directory survives.
  rm -rf "$dir/data" "$dir/initdb.log" "$dir/server.log"
  rmdir "$dir"
}

free_port() {
  local port
  for ((attempt = 0; attempt < port_attempts_max; attempt++)); do
    port=$((20000 + RANDOM % 12000)) # below the range the kernel hands to outgoing connections
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  echo "postgres.sh: no free port in $port_attempts_max attempts" >&2
  return 1
}

case ${1:-} in
  start) start "${2:?directory}" "${3:?port}" "${@:4}" ;;
  stop) stop "${2:?directory}" ;;
  pause) pause "${2:?directory}" ;;
  halt) halt "${2:?directory}" ;;
  resume) resume "${2:?directory}" ;;
  free-port) free_port ;;
  bin) bin ;;
  *)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac
