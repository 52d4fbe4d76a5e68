#!/bin/sh
# The version in production, with all that an image needs, into context/. Where no version is known here (no tracking
# server is set), one is made by the pipeline first.
set -eu
model={{model}}
if ! mlops models show "models:/$model/Production" >/dev/null 2>&1; then
  mlops repro
  sh scripts/release.sh
fi
rm -rf context
mlops models package "$model" Production --out context
