#!/usr/bin/env bash
# Rewrites constraints.txt: the exact versions of everything setup.py names, all extras included, resolved
# together for Python 3.11 to 3.13. `make lock` runs this. Usage: tools/lock.sh [python]
#
# Versions already in constraints.txt are kept where they still fit; LOCK_ARGS=--upgrade takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
VENV=.venv-lock
PYTHON=${1:-$(tools/find_python.sh)}

if ! "$VENV/bin/uv" --version 2>/dev/null | grep -qF "$UV_VERSION"; then
    "$PYTHON" -m venv --clear "$VENV"
    "$VENV/bin/pip" install --quiet "uv==$UV_VERSION"
fi

# --universal: one file for every Python and system, with environment markers where versions must differ.
# Extras are stripped from the names (uv's default), as `pip install -c` demands.
UV_CUSTOM_COMPILE_COMMAND="make lock" "$VENV/bin/uv" pip compile setup.py --all-extras \
    --universal --python-version 3.11 --quiet ${LOCK_ARGS:-} --output-file constraints.txt
echo "constraints.txt: $(grep -c '==' constraints.txt) pinned versions"
