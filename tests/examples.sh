#!/usr/bin/env bash
# The examples for other platforms, held to the schemas that the platforms themselves publish: check-jsonschema brings
# those of GitHub Actions and GitLab CI, kubernetes-validate those of Kubernetes. Both are installed into build/examples
# with pip. What has no published schema (Argo Rollouts) is checked as far as it is Kubernetes: pods and jobs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=build/examples
if ! [ -x "$tools/bin/kubernetes-validate" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q 'check-jsonschema>=0.29,<1' 'kubernetes-validate>=1.30,<2'
fi
"$tools/bin/check-jsonschema" --builtin-schema vendor.github-workflows examples/github-actions/*.yml
"$tools/bin/check-jsonschema" --builtin-schema vendor.gitlab-ci examples/gitlab-ci/.gitlab-ci.yml
"$tools/bin/kubernetes-validate" --strict examples/kubernetes/*.yaml
"$tools/bin/python" - "$tools" examples/argo-rollouts/*.yaml <<'PYTHON'
import sys
import kubernetes_validate
import yaml

def as_kubernetes(document):
    """The part that Kubernetes has a schema for, in a resource of its own."""
    name = {"name": document["metadata"]["name"]}
    spec = document["spec"]
    if document["kind"] == "Rollout":
        kept = {key: spec[key] for key in ("replicas", "revisionHistoryLimit", "selector", "template")}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": name, "spec": kept}
    (metric,) = spec["metrics"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": name, "spec": metric["provider"]["job"]["spec"]}

for path in sys.argv[2:]:
    with open(path) as file:
        for document in yaml.safe_load_all(file):
            kubernetes_validate.validate(as_kubernetes(document), kubernetes_validate.latest_version(), strict=True)
            print(f"ok: {path} {document['kind']}, as far as it is Kubernetes")
PYTHON
for script in examples/pipeline/*.sh examples/kubernetes/*.sh; do sh -n "$script"; done
