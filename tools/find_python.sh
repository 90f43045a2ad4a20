#!/usr/bin/env bash
# Prints the newest Python that can run this project: 3.11 to 3.13, with a working venv and pip.
# A candidate that exists but does not run (a pyenv shim of a version that is not active) or that was
# built without a module we need (Debian's python3 without python3-venv) is passed over.
# Usage: tools/find_python.sh [candidate ...]; without candidates the usual names are tried.
set -euo pipefail

CHECK='
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit("is Python %d.%d" % sys.version_info[:2])
missing = []
for name in ("venv", "ensurepip", "ssl", "ctypes", "zlib", "bz2", "lzma"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
if missing:
    sys.exit("lacks the standard modules " + ", ".join(missing))
print(sys.executable)
'

candidates=("$@")
if [ ${#candidates[@]} -eq 0 ]; then
    candidates=(python3.13 python3.12 python3.11 python3 python /usr/bin/python3.13 /usr/bin/python3.12
        /usr/bin/python3.11 /usr/local/bin/python3)
fi

tried=""
for candidate in "${candidates[@]}"; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if answer=$("$candidate" -c "$CHECK" 2>&1); then
        printf '%s\n' "$answer" | tail -n 1
        exit 0
    fi
    tried+="  $candidate: $(printf '%s\n' "$answer" | head -n 1)"$'\n'
done

{
    echo "lomit_tf needs Python 3.11, 3.12 or 3.13 with the venv and ensurepip modules, and found none."
    [ -n "$tried" ] && printf 'Tried:\n%s' "$tried" || echo "Tried: ${candidates[*]}"
    echo "On Debian or Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3.11 ..."
} >&2
exit 1
