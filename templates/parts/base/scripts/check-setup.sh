#!/bin/sh
# What this project needs, and whether it is here. Exit status 1: something is missing.
missing=0

check() { # NAME HINT COMMAND...
  name=$1
  hint=$2
  shift 2
  if "$@" >/dev/null 2>&1; then
    printf 'ok       %s\n' "$name"
  else
    printf 'missing  %s: %s\n' "$name" "$hint"
    missing=1
  fi
}

check 'Node.js' 'install Node.js 20.19 or newer' node -e 'process.exitCode = process.versions.node.split(".")[0] < 20 ? 1 : 0'
check 'mlops' 'npm install --global mlops' mlops --version
check 'Git name' 'git config --global user.name "Your Name"' git config user.name
check 'Git address' 'git config --global user.email you@example.com' git config user.email
#{{#if lang=python}}
check 'Python packages' 'python3 -m pip install -r requirements.txt' python3 -c 'import numpy, sklearn, skl2onnx'
#{{/if}}
check 'mlops doctor' 'run it and read what it says' mlops doctor
exit "$missing"
