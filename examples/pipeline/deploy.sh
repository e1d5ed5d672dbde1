#!/bin/sh
# The deploy step of a pipeline: deploy.sh DEPLOYMENT IMAGE REFERENCE [PLAN…]
#
# IMAGE as the registry of images has it (shop:v42), REFERENCE as the cluster pulls it. manifest.yaml, where it is there,
# says what the image needs. The plans are run to migrated; the image is deployed once the gate says yes. DATABASE_URL
# says where the database is. Exit 3: the gate said no, and nothing was deployed.
set -eu
deployment=$1
image=$2
reference=$3
shift 3

[ ! -f manifest.yaml ] || switchback image add "$image" --manifest manifest.yaml

# An image older than what runs has nothing to migrate: what came after it must stay.
if switchback gate deploy "$image" -o json | grep -q '"skip_migrations": true'; then
  echo "$image is older than what runs: its plans are left out" >&2
else
  for plan in "$@"; do switchback run "$plan"; done # goes on where it stands; stops before contract
fi

switchback gate deploy "$image" --wait "${GATE_WAIT:-5m}" ${GITHUB_ACTIONS:+--format github}
kubectl set image "deployment/$deployment" "$deployment=$reference"
switchback image deployed "$image" --environment "${ENVIRONMENT:-production}"
kubectl rollout status "deployment/$deployment" --timeout 10m
# What this deployment can now be undone to.
kubectl get replicasets -l "app=$deployment" -o json |
  switchback image sync --replicasets - --container "$deployment" --cluster "$deployment"
