#!/bin/sh
# kubectl rollout undo that asks the gate first: undo.sh DEPLOYMENT IMAGE [REVISION]
#
# IMAGE is what the deployment goes back to. Where it would not work, what it needs is brought back first, by the
# commands that the gate names; where there is none, nothing is undone. DATABASE_URL says where the database is.
set -eu
deployment=$1
image=$2
revision=${3:-0} # 0: the one before

may_go_back() { switchback gate rollback "$image"; }

if ! answer=$(may_go_back); then
  printf '%s\n' "$answer" >&2
  remedies=$(printf '%s\n' "$answer" | sed -n 's/^ *remedy: switchback restore \([A-Za-z0-9_-]*\).*/\1/p' | uniq)
  [ -n "$remedies" ] || { echo "nothing here brings $image back: not undone" >&2; exit 3; }
  # In the order named: what was taken last comes back first.
  for plan in $remedies; do switchback restore "$plan" --yes; done
  may_go_back >&2 || { echo "$image would still not work: not undone" >&2; exit 3; }
fi
kubectl rollout undo "deployment/$deployment" --to-revision="$revision"
switchback image deployed "$image" --environment "${ENVIRONMENT:-production}"
