#!/usr/bin/env bash
# make demo: starts the Azure simulator, scans its tenant, shows the snapshot; scans a larger tenant while Azure throttles, is
# killed at it and goes on; then starts the job service and does the first through it; generates Terraform, Bicep and ARM from both
# snapshots, each where it is, and compares; then writes the tenant down and makes it again in empty subscriptions, twice; in the end changes
# something and shows what has changed.
# Everything happens in a temporary folder that is removed at the end; nothing outside of this machine is asked.
set -euo pipefail
bin=$(cd "${1:?usage: demo.sh FOLDER-OF-PROGRAMS}" && pwd)
home=$(mktemp -d)
mkfifo "$home/stdin"

# The simulators live as long as their standard input is open, that is, as long as this script.
simulate() { # NAME FLAGS
	"$bin/atg-azuresim" serve --until-stdin-closes --state-dir "$home/$1" "${@:2}" <"$home/stdin" >"$home/$1.ready" &
	simulators+=($!)
}
simulators=()
simulate sim
simulate throttling --synthetic 20000 --quota 10 --quota-window 2s
simulate empty --without-resources --retry-after 0
simulate again --without-resources --retry-after 0
exec 3>"$home/stdin"
server=
trap 'exec 3>&-; [ -z "$server" ] || { kill "$server"; wait "$server" || true; }; wait "${simulators[@]}" || true; rm -rf "$home"' EXIT

wait_for() { # FILE PROCESS: until the process has written its first line, or fails with it
	until [ -s "$1" ]; do
		kill -0 "$2"
		sleep 0.05
	done
}
wait_for "$home/sim.ready" "${simulators[0]}"
wait_for "$home/throttling.ready" "${simulators[1]}"
wait_for "$home/empty.ready" "${simulators[2]}"
wait_for "$home/again.ready" "${simulators[3]}"
eval "$("$bin/atg-azuresim" env --state-dir "$home/sim")"
export XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache" XDG_STATE_HOME="$home/state"
export PATH="$bin:$PATH"

show() { printf '\n$ %s\n' "$*"; "$@"; }
show atg version
show atg health
show atg scan
show atg snapshot list
show atg snapshot show
show atg -q snapshot query orphans

printf '\n# How does a server get at a vault, and what may those who own the tenant?\n'
show atg -q snapshot path vm-erp-app-01 vaults/kv-contoso-prod
show atg -q snapshot path "group/Platform Owners" vaults/kv-contoso-prod
show atg -q visualize --output "$home/contoso.html"
show ls -l "$home/contoso.html"

throttled() { # another tenant, whose Resource Graph answers ten queries in two seconds and no more
	eval "$("$bin/atg-azuresim" env --state-dir "$home/throttling")"
	export ATG_PROGRESS_UPDATE_INTERVAL=1s
	show atg scan --depth resources

	printf '\n$ atg scan --depth resources &    # and kill -9 it in its middle\n'
	atg scan --depth resources 2>"$home/killed.log" &
	local killed=$!
	until [ "$(cat "$home"/state/atg/scans/*/parts.ndjson 2>"$home/none.log" | wc -l)" -ge 15 ]; do
		kill -0 "$killed"
		sleep 0.05
	done
	kill -9 "$killed"
	wait "$killed" 2>"$home/none.log" || true
	tail -n 1 "$home/killed.log"
	show atg scan --resume last
}
(throttled)

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

cd "$home"
show atg -q generate-iac --format terraform --output-dir local/terraform
brief() { show "$@" | sed -n '1,6p'; } # the command and what came of it
for format in terraform bicep arm; do
	[ "$format" = terraform ] || brief atg -q generate-iac --format "$format" --output-dir "local/$format"
	brief atg -q --profile dev generate-iac --format "$format" --output-dir "remote/$format"
done
show atg --profile dev job list
printf '\n$ diff -r local remote && echo same\n'
diff -r local remote # or the demo ends here
echo same
show ls -l local/terraform
show sed -n '3,30p' local/terraform/modules/rg-web-prod/main.tf
show sed -n '1,20p' local/terraform/REPORT.md

brief atg generate-spec --output contoso.md
show sed -n '1,13p' contoso.md
for name in $(grep -o '\${secret:[^}]*}' contoso.md | tr 'a-z.-' 'A-Z__' | sed 's/.*:\(.*\)}/\1/' | sort -u); do
	export "ATG_SECRET_$name=a value for the demo" # who deploys has them
done
elsewhere() { # NAME: the simulator in whose tenant nothing is
	eval "$("$bin/atg-azuresim" env --state-dir "$home/$1")"
	export XDG_DATA_HOME="$home/$1/data" XDG_STATE_HOME="$home/$1/state"
}
copied() ( # from contoso.md to copy.md
	elsewhere empty
	printf '\n$ atg create-tenant contoso.md --dry-run   # into the same subscriptions, with nothing in them\n'
	atg -q create-tenant contoso.md --dry-run >"$home/plan"
	sed -n '1,8p' "$home/plan"
	printf '  …\n%s\n' "$(tail -n 1 "$home/plan")"
	show atg create-tenant contoso.md --yes
	printf '\n$ atg create-tenant contoso.md --dry-run | tail -n 1   # once more\n'
	atg -q create-tenant contoso.md --dry-run | tail -n 1
	atg -q scan >"$home/scanned"
	brief atg -q generate-spec --output copy.md
)
copied
printf '\n$ atg create-tenant copy.md --dry-run | tail -n 1   # where contoso.md is from\n'
atg -q create-tenant copy.md --dry-run | tail -n 1
again() ( # from copy.md to again.md
	elsewhere again
	printf '\n$ atg create-tenant copy.md --yes   # and into others\n'
	atg -q create-tenant copy.md --yes
	atg -q scan >"$home/scanned"
	brief atg -q generate-spec --output again.md
)
again
printf '\n$ diff copy.md again.md && echo same\n'
diff copy.md again.md # or the demo ends here
echo same
cat >shop.md <<'END'
```yaml
subscriptions:
  - name: contoso-development
    resource_groups:
      - name: rg-shop
        location: westeurope
        resources:
          - {type: Microsoft.Network/publicIPAddresses, name: pip-shop, location: westeurope, sku: {name: Standard}, properties: {publicIPAllocationMethod: Static}}
```
END
printf '\n$ atg scan && atg create-tenant shop.md --yes && atg scan   # something changes in the tenant\n'
atg -q scan >"$home/scanned"
atg -q create-tenant shop.md --yes
atg -q scan >"$home/scanned"
show atg -q snapshot diff
printf '\n$ atg snapshot diff --format markdown --exit-code   # for a pipeline\n'
atg -q snapshot diff --format markdown --exit-code || echo "exit code $?"
echo
echo "That was a simulated tenant. For your own: az login, then bin/atg scan, then bin/atg generate-iac --format terraform --output-dir infra, or bin/atg generate-spec --output tenant.md, or bin/atg visualize --output tenant.html --open"
