#!/bin/sh
# `data.sh pull` and `data.sh push`: with the remote, where there is one (`mlops remote add --default NAME URL`).
set -eu
if [ -z "$(mlops remote list)" ]; then
  echo 'no remote: everything is made anew, and stays on this machine'
  exit 0
fi
if [ "$1" = pull ]; then
  # What no one has pushed yet is made by the pipeline.
  mlops pull --allow-missing
else
  mlops push
fi
