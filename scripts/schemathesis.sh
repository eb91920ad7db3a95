#!/usr/bin/env bash
# Installs Schemathesis into .tools, from pinned versions: the tests send what the description of the API admits, and what
# it doesn't. Says what was skipped where that can't be done; a second run is quick.
source "$(dirname "$0")/lib.sh"

if command -v python3 >/dev/null; then
    install_python "Schemathesis (Python)" schemathesis
else
    skip tools "Schemathesis (Python is not installed)"
fi
