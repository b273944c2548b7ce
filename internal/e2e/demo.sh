#!/usr/bin/env bash
# make demo: starts the Azure simulator, scans its tenant, shows the snapshot; then starts the job service and does the
# same through it. Everything happens in a temporary folder that is removed at the end; nothing outside of this machine
# is asked.
set -euo pipefail
bin=$(cd "${1:?usage: demo.sh FOLDER-OF-PROGRAMS}" && pwd)
home=$(mktemp -d)
mkfifo "$home/stdin"

# The simulator lives as long as its standard input is open, that is, as long as this script.
"$bin/atg-azuresim" serve --until-stdin-closes --state-dir "$home/sim" <"$home/stdin" >"$home/ready" &
simulator=$!
exec 3>"$home/stdin"
server=
trap 'exec 3>&-; [ -z "$server" ] || { kill "$server"; wait "$server" || true; }; wait "$simulator" || true; rm -rf "$home"' EXIT

wait_for() { # FILE PROCESS: until the process has written its first line, or fails with it
	until [ -s "$1" ]; do
		kill -0 "$2"
		sleep 0.05
	done
}
wait_for "$home/ready" "$simulator"
eval "$("$bin/atg-azuresim" env --state-dir "$home/sim")"
export XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache" XDG_STATE_HOME="$home/state"
export PATH="$bin:$PATH"

show() { printf '\n$ %s\n' "$*"; "$@"; }
show atg version
show atg health
show atg scan
show atg snapshot list
show atg snapshot show

printf '\n$ atg-server start --dev &\n'
atg-server start --dev --listen 127.0.0.1:0 >"$home/served" 2>"$home/server.log" &
server=$!
wait_for "$home/served" "$server"
cat "$home/served"
show atg --profile dev health
show atg --profile dev scan
show atg --profile dev job list
job=$(atg --profile dev job list -o json | sed -n 's/.*"job_id": "\(.*\)".*/\1/p')
show atg --profile dev job download "$job" --output-dir "$home/files"
show ls -l "$home/files"
echo
echo "That was a simulated tenant. For your own: az login, then bin/atg scan"
