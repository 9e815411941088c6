#!/bin/sh
# Writes access/rendered: the workspaces as kustomize (5.7) makes them.
set -eu
cd "$(dirname "$0")"
for folder in kustomize/acme-*; do
  file="access/rendered/$(basename "$folder").yaml"
  { echo "# Made by render.sh from $folder"; kustomize build "$folder"; } > "$file"
done
