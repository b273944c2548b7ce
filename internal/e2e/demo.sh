#!/usr/bin/env bash
# make demo: starts the Azure simulator, scans its tenant, shows the snapshot. Everything happens in a
# temporary folder that is removed at the end; nothing outside of this machine is asked.
set -euo pipefail
bin=$(cd "${1:?usage: demo.sh FOLDER-OF-PROGRAMS}" && pwd)
home=$(mktemp -d)
mkfifo "$home/stdin"

# The simulator lives as long as its standard input is open, that is, as long as this script.
"$bin/atg-azuresim" serve --until-stdin-closes --state-dir "$home/sim" <"$home/stdin" >"$home/ready" &
simulator=$!
exec 3>"$home/stdin"
trap 'exec 3>&-; wait "$simulator" || true; rm -rf "$home"' EXIT

until [ -s "$home/ready" ]; do
	kill -0 "$simulator" # fails, and with it the demo, if the simulator has ended
	sleep 0.05
done
eval "$("$bin/atg-azuresim" env --state-dir "$home/sim")"
export XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache" XDG_STATE_HOME="$home/state"
export PATH="$bin:$PATH"

show() { printf '\n$ %s\n' "$*"; "$@"; }
show atg version
show atg health
show atg scan
show atg snapshot list
show atg snapshot show
echo
echo "That was a simulated tenant. For your own: az login, then bin/atg scan"
