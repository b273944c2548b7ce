#!/usr/bin/env bash
# Previews and deploys what is in this folder, part by part; nothing is deployed before you agree. It needs the Azure CLI and a
# login: az login.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

location=@LOCATION@ # where Azure keeps the records of the deployments

usage() {
  cat <<'END'
Usage: ./deploy.sh [--preview | --yes] [--location REGION]

  --preview          show what would change, and deploy nothing
  --yes              deploy without asking
  --location REGION  where Azure keeps the records of the deployments
END
}

preview=false
yes=false
while [[ $# -gt 0 ]]; do
  case $1 in
    --preview) preview=true ;;
    --yes) yes=true ;;
    --location)
      location=${2:?--location needs a region}
      shift
      ;;
    --help | -h)
      usage
      exit
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

fail() {
  echo "deploy.sh: $1" >&2
  exit 1
}

[[ -n $location ]] || fail "say --location REGION"
command -v az >/dev/null || fail "the Azure CLI (az) is not installed"

# Secrets are only in files that nobody else can read, and only until the script ends.
umask 077
temporary=$(mktemp -d)
trap 'rm -rf -- "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# parameter FILE NAME: the value of a string in a parameter file.
parameter() {
  local value
  value=$(sed -n "/^ *\"$2\": *{/,/}/s/^ *\"value\": *\"\([^\"]*\)\".*/\1/p" "$1")
  [[ -n $value ]] || fail "$1 has no value for $2"
  printf '%s' "$value"
}

# json TEXT: a JSON string.
json() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\r'/\\r}
  text=${text//$'\t'/\\t}
  [[ $text != *[[:cntrl:]]* ]] || fail "a secret has a control character"
  printf '"%s"' "$text"
}

# in_file TEMPLATE NAME: the parameter file of a template has a parameter: a reference to a Key Vault, say.
in_file() {
  grep -q "\"$2\"[[:space:]]*:" "$1.parameters.json"
}

# need TEMPLATE NAME VARIABLE: unless the parameter file has the parameter, the variable has to be set.
missing=
need() {
  if [[ -z ${!3:-} ]] && ! in_file "$1" "$2"; then
    missing+=" $3"
  fi
}

# begin TEMPLATE: the next part has the template TEMPLATE.json.
begin() {
  base=$1
  values=
  grouped=
}

# from_environment NAME VARIABLE: a parameter has the value of a variable, unless the parameter file has it.
from_environment() {
  if ! in_file "$base" "$1"; then
    values+="${values:+,}$(json "$1"):{\"value\":$(json "${!2}")}"
  fi
}

# grouped_from_environment NAME VARIABLE: a member of the parameter "secrets" has the value of a variable.
grouped_from_environment() {
  grouped+="${grouped:+,}$(json "$1"):$(json "${!2}")"
}

failed=
# deploy KIND NAME TITLE [ARGUMENT…]: shows what would change, asks, and deploys.
deploy() {
  local kind=$1 name=$2 title=$3 answer
  shift 3
  if [[ -n $grouped ]]; then
    values+="${values:+,}\"secrets\":{\"value\":{$grouped}}"
  fi
  local arguments=("$@" --name "$name" --location "$location" --template-file "$base.json" --parameters "@$base.parameters.json")
  if [[ -n $values ]]; then
    printf '%s' "{\"\$schema\":\"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#\",\"contentVersion\":\"1.0.0.0\",\"parameters\":{$values}}" >"$temporary/parameters.json"
    arguments+=(--parameters "@$temporary/parameters.json")
  fi
  echo "deploy.sh: $title"
  if [[ $preview == true ]]; then
    az deployment "$kind" what-if "${arguments[@]}" || failed+=" $name"
    return
  fi
  az deployment "$kind" what-if "${arguments[@]}"
  if [[ $yes != true ]]; then
    read -r -p "Deploy $title? [y/N] " answer || fail "nobody to ask: say --yes"
    case $answer in
      y | Y | yes) ;;
      *) fail "not deployed: $title" ;;
    esac
  fi
  az deployment "$kind" create "${arguments[@]}" --query properties.provisioningState --output tsv
}
# STAGES

[[ -z $failed ]] || fail "no preview of$failed: what it needs may have to be deployed first"
