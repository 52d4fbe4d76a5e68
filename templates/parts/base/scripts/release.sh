#!/bin/sh
# Registers what the pipeline made as a new version, the challenger. Where the gates of Production hold (gates.yaml: good
# enough, and not worse than what is there), it takes its place.
set -eu
for model in {{models}}; do
  version=$(mlops models register "models/$model" --name "$model" --json --jq .version)
  mlops models alias "$model" "$version" challenger
  if mlops models promote "$model" "$version" --stage Production --archive-existing; then
    mlops models alias "$model" "$version" champion
  else
    echo "$model version $version stays the challenger"
  fi
done
