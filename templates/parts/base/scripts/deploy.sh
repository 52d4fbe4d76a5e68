#!/bin/sh
# Brings the image named by IMAGE to the cluster, waits until it is ready, and goes back to the one before if it is not.
set -eu
if [ -n "${KUBECONFIG_DATA:-}" ]; then
  KUBECONFIG=$(mktemp)
  trap 'rm -f "$KUBECONFIG"' EXIT
  printf '%s' "$KUBECONFIG_DATA" | base64 -d >"$KUBECONFIG"
  export KUBECONFIG
fi
kubectl apply -k deploy/overlays/prod
kubectl set image deployment/{{slug}} api="$IMAGE"
if ! kubectl rollout status deployment/{{slug}} --timeout=300s; then
  kubectl rollout undo deployment/{{slug}}
  echo 'it did not get ready: the version before is back' >&2
  exit 1
fi
