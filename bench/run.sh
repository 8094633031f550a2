#!/usr/bin/env bash
# Measures the release binary on SQLite and on Postgres, and the usual Express handler on the same
# Postgres, and prints the Markdown table that stands in docs/performance.md.
#
#   bench/run.sh              everything, about fifteen minutes
#   bench/run.sh --peer-only  the Express handler alone
#   bench/run.sh --smoke      a few seconds a database with the debug binary: does it all run?
#
# Every figure comes from loopback on one machine, where the generator, the server and the database
# share the cores. fsync is on. Needs jq, curl, Postgres, Linux, and Node for the Express handler.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

secret=whsec_bench
api_key=bench_key_of_the_app
connections=64
disturbed=(--duplicates 0.05 --reorder 0.05)
wait_attempts_max=300 # of a tenth of a second
binary_bytes_max=30000000
start_ms_max=200

profile=release
events=200000
peer_events=40000
runs=3
open_rate=2000
open_events=40000 # 20 s
read_rate=200
read_events_rate=1000
read_events=20000 # 20 s
starts=5

work=""
postgres_dir=""
postgres_url=""
server_pid=""
declare -A result

main() {
  trap finish EXIT
  local systems=(sqlite postgres express)
  case ${1:-} in
    "") ;;
    --peer-only) systems=(express) ;;
    --smoke) smoke; systems=(sqlite postgres) ;;
    *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
  esac
  prepare "${systems[@]}"
  for system in "${systems[@]}"; do
    measure_closed_loop "$system"
    if [[ $system != express ]]; then
      measure_open_loop "$system"
      measure_reads "$system"
      measure_cold_start "$system"
    fi
  done
  if [[ $profile == release ]]; then
    table "${systems[@]}"
    check_limits "${systems[@]}"
  else
    echo "Both databases took every event and answered every read."
  fi
}

# Small enough for every change; its figures mean nothing.
smoke() {
  profile=debug events=2000 runs=1 open_rate=200 open_events=200 starts=1
  read_rate=100 read_events_rate=200 read_events=200
}

prepare() {
  local flags=()
  [[ $profile == debug ]] || flags=(--release)
  cargo build --quiet "${flags[@]}" -p tollgate-bench
  generator=$PWD/target/$profile/tollgate-bench
  if [[ $* != express ]]; then
    cargo build --quiet "${flags[@]}" -p tollgate-cli
    tollgate=$PWD/target/$profile/tollgate
    result[binary]=$(stat -c %s "$tollgate")
  fi
  if [[ $* == *express* ]]; then
    (cd bench/peers/express && npm ci --silent)
  fi
  work=$(mktemp -d)
  postgres_dir=$(mktemp -d)
  postgres_url=$(tools/postgres.sh start "$postgres_dir" "$(tools/postgres.sh free-port)")
}

# ── measurements ─────────────────────────────────────────────────────────────────────────────

measure_closed_loop() {
  local system=$1 count=$events
  [[ $system != express ]] || count=$peer_events
  local rates=() p50s=() p99s=() bytes=() peaks=()
  for ((run = 1; run <= runs; run++)); do
    start_server "$system"
    load closed "$system" --events "$count" --seed "$run" "${disturbed[@]}"
    rates+=("$(of .events_per_s)")
    p50s+=("$(of .latency_ms.p50)")
    p99s+=("$(of .latency_ms.p99)")
    peaks+=("$(peak_bytes)")
    stop_server
    bytes+=("$(($(stored_bytes "$system") / count))")
    drop_database "$system"
  done
  result[$system.rate]=$(median "${rates[@]}")
  result[$system.p50]=$(median "${p50s[@]}")
  result[$system.p99]=$(median "${p99s[@]}")
  result[$system.bytes]=$(median "${bytes[@]}")
  result[$system.peak]=$(median "${peaks[@]}")
}

measure_open_loop() {
  local system=$1
  start_server "$system"
  load open "$system" --events "$open_events" --rate "$open_rate" --seed 11 "${disturbed[@]}"
  result[$system.open]=$(percentiles .latency_ms)
  stop_server
  drop_database "$system"
}

measure_reads() {
  local system=$1
  start_server "$system"
  load reads "$system" --events "$read_events" --rate "$read_events_rate" --seed 21 \
    --read-url "http://127.0.0.1:$port/access/{user}" --api-key "$api_key" --reads "$read_rate"
  result[$system.reads]=$(percentiles .reads.latency_ms)
  stop_server
  drop_database "$system"
}

# From the start of the process to its first answer, with the schema made on the way.
measure_cold_start() {
  local system=$1 times=()
  for ((run = 1; run <= starts; run++)); do
    new_database "$system"
    server_command "$system"
    times+=("$(cd "$work" && "$generator" cold-start --url "http://127.0.0.1:$port/healthz" -- \
      "${command[@]}" 2>"$work/server.log" | jq .start_ms)")
    drop_database "$system"
  done
  result[$system.start]=$(median "${times[@]}")
}

# Runs the generator; its line of JSON is kept in $line and shown on the way.
load() {
  local kind=$1 system=$2
  shift 2
  if ! line=$("$generator" load --url "http://127.0.0.1:$port/stripe/webhook" --secret "$secret" \
    --connections "$connections" "$@"); then
    echo "bench: $system refused events in the $kind loop: ${line:-no answer}" >&2
    tail -20 "$work/server.log" >&2
    return 1
  fi
  echo "$system $kind $line" >&2
}

# ── servers ──────────────────────────────────────────────────────────────────────────────────

start_server() {
  new_database "$1"
  server_command "$1"
  # From the work directory, where no configuration file of ours is found.
  (cd "$work" && exec "${command[@]}") >"$work/server.log" 2>&1 &
  server_pid=$!
  wait_until_healthy
}

server_command() {
  local environment=(
    STRIPE_WEBHOOK_SECRET="$secret"
    DATABASE_URL="$database_url"
    TOLLGATE_API_KEY="$api_key"
    # One address makes all the requests.
    TOLLGATE_RATE_LIMIT=off
  )
  port=$(tools/postgres.sh free-port)
  if [[ $1 == express ]]; then
    command=(env "${environment[@]}" PORT="$port" NODE_ENV=production node "$PWD/bench/peers/express/server.js")
  else
    command=(env "${environment[@]}" TOLLGATE_LISTEN="127.0.0.1:$port" "$tollgate" serve)
  fi
}

wait_until_healthy() {
  for ((attempt = 0; attempt < wait_attempts_max; attempt++)); do
    if curl --silent --fail --output "$work/health" "http://127.0.0.1:$port/healthz"; then return; fi
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "bench: the server did not start" >&2
  tail -20 "$work/server.log" >&2
  return 1
}

# Asks it to stop, so that SQLite writes its log back into the database; insists after a while.
stop_server() {
  [[ -n $server_pid ]] || return 0
  kill -TERM "$server_pid" 2>/dev/null || true
  for ((attempt = 0; attempt < wait_attempts_max; attempt++)); do
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=""
}

# The most memory that the server ever held.
peak_bytes() {
  awk '/^VmHWM/ { print $2 * 1024 }' "/proc/$server_pid/status"
}

# ── databases ────────────────────────────────────────────────────────────────────────────────

new_database() {
  if [[ $1 == sqlite ]]; then
    mkdir "$work/sqlite"
    database_url=sqlite://$work/sqlite/bench.db
  else
    sql "create database bench" >&2
    database_url=${postgres_url%/*}/bench
    empty_bytes=$(sql "select pg_database_size('bench')")
  fi
}

drop_database() {
  if [[ $1 == sqlite ]]; then
    rm -rf "$work/sqlite"
  else
    sql "drop database bench with (force)" >&2
  fi
}

stored_bytes() {
  if [[ $1 == sqlite ]]; then
    cat "$work"/sqlite/* | wc -c
  else
    echo "$(($(sql "select pg_database_size('bench')") - empty_bytes))"
  fi
}

sql() {
  "$(tools/postgres.sh bin)/psql" --no-psqlrc --quiet --tuples-only --no-align --command "$1" "$postgres_url"
}

# ── figures ──────────────────────────────────────────────────────────────────────────────────

of() {
  jq "$1" <<<"$line"
}

percentiles() {
  jq --raw-output "$1 | [.p50, .p99, .p999, .max] | map(. * 10 | round / 10) | join(\" / \")" <<<"$line"
}

median() {
  printf '%s\n' "$@" | sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# ── the table ────────────────────────────────────────────────────────────────────────────────

table() {
  local systems=("$@")
  machine
  echo
  row "" "${systems[@]/#/title:}"
  row "---" "${systems[@]/*/---:}"
  figures "Events a second, $connections connections" rate "%.0f"
  figures "… a sender waits, median (ms)" p50 "%.1f"
  figures "… 99th percentile (ms)" p99 "%.1f"
  figures "At $open_rate events/s: p50 / p99 / p99.9 / max (ms)" open "%s"
  figures "Reads at $read_rate/s beside $read_events_rate events/s: p50 / p99 / p99.9 / max (ms)" reads "%s"
  figures "Bytes on disk an event, all tables and indexes" bytes "%.0f"
  figures "Peak memory (MB)" peak "%.0f" 1e6
  figures "From start to first answer, empty database (ms)" start "%.0f"
  [[ -z ${result[binary]:-} ]] || printf '\nThe binary is %.1f MB.\n' "$(scaled "${result[binary]}" 1e6)"
}

# The two limits that no noise of the machine excuses.
check_limits() {
  local system
  if [[ -n ${result[binary]:-} ]] && ((result[binary] > binary_bytes_max)); then
    echo "bench: the binary has more than $binary_bytes_max bytes" >&2
    return 1
  fi
  for system in "$@"; do
    if awk -v ms="${result[$system.start]:-0}" -v max="$start_ms_max" 'BEGIN { exit !(ms > max) }'; then
      echo "bench: $system takes more than $start_ms_max ms to start" >&2
      return 1
    fi
  done
}

machine() {
  local model postgres
  model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
  postgres=$("$(tools/postgres.sh bin)/postgres" --version | sed 's/.*) \([0-9.]*\).*/\1/')
  echo "\`bench/run.sh\` on $(nproc) cores ($model), Linux $(uname -r), Postgres $postgres, fsync on."
  echo "$events events of $(of .body_bytes_mean) bytes a run ($peer_events for Express), 5 % sent twice, 5 % out of order; medians of $runs runs."
}

# One line of the table: what, which figure, its format, and what to divide it by.
figures() {
  local what=$1 key=$2 format=$3 unit=${4:-} cells=() value
  for system in "${systems[@]}"; do
    value=${result[$system.$key]:-}
    [[ -z $unit || -z $value ]] || value=$(scaled "$value" "$unit")
    if [[ -z $value ]]; then cells+=("–"); else cells+=("$(printf "$format" "$value")"); fi
  done
  row "$what" "${cells[@]}"
}

row() {
  local cells=("$@")
  cells=("${cells[@]/#title:sqlite/Tollgate, SQLite}")
  cells=("${cells[@]/#title:postgres/Tollgate, Postgres}")
  cells=("${cells[@]/#title:express/Express, Postgres}")
  printf '| %s ' "${cells[@]}"
  echo "|"
}

scaled() {
  awk -v value="$1" -v unit="$2" 'BEGIN { print value / unit }'
}

finish() {
  local status=$?
  stop_server
  [[ -z $postgres_dir ]] || tools/postgres.sh stop "$postgres_dir" || true
  [[ -z $work ]] || rm -rf "$work"
  exit "$status"
}

main "$@"
