#
# Plans, shows the plan, and applies it once you say yes.
#
#   ./deploy.sh [--yes] [ARGUMENTS]
#
# --yes applies without a question; every other argument goes to terraform plan.

set -euo pipefail
cd "$(dirname "$0")"

yes=
for argument; do
  shift
  if [ "$argument" = --yes ]; then
    yes=1
  else
    set -- "$@" "$argument"
  fi
done

plan=$(mktemp)
trap 'rm -f "$plan"' EXIT

terraform init -input=false
terraform plan ${yes:+-input=false} -out="$plan" "$@"
if [ -z "$yes" ]; then
  printf 'Apply this plan? Only yes does: '
  read -r answer
  [ "$answer" = yes ] || { echo 'Nothing was changed.'; exit 1; }
fi
terraform apply "$plan"
