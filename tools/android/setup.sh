#!/usr/bin/env bash
# Installs what `bazel build //android_demo:lomit_demo` and `bazel test //...` need: Debian 12's packages (as root), pinned
# files of Maven Central (340 MB, most of it Robolectric's for the tests of the screen) and LiteRT's library of the
# ai-edge-litert wheel, and prints what it found. `setup.sh --check` installs and fetches nothing.
#
# The files go to $LOMIT_ANDROID_DEPS (~/.cache/lomit_tf/android), each compared with its SHA-256 in artifacts.txt.
# MAVEN_CENTRAL names a mirror. Exit codes: 0 everything is there, 1 something is missing, 2 bad usage.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
deps="${LOMIT_ANDROID_DEPS:-$HOME/.cache/lomit_tf/android}"
central="${MAVEN_CENTRAL:-https://repo1.maven.org/maven2}"
# The package aapt brings aapt2 as well.
packages=(bazel-bootstrap bazel-rules-java bazel-platforms bazel-skylib aapt apksigner zipalign enjarify curl unzip zip)
commands=(bazel aapt aapt2 apksigner zipalign enjarify javac keytool curl unzip zip)
check=
case "${1-}" in
    "") ;;
    --check) check=1 ;;
    *) echo "setup.sh: unknown argument '$1'; there is only --check" >&2; exit 2 ;;
esac

missing() { for name in "${commands[@]}"; do command -v "$name" >/dev/null || echo "$name"; done; }
whole() { [ -f "$2" ] && echo "$1  $2" | sha256sum --check --status; }

if [ -z "$check" ] && [ -n "$(missing)" ]; then
    command -v javac >/dev/null || packages+=(default-jdk-headless)
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "setup.sh: not root on Debian; install by hand: ${packages[*]}" >&2
    else
        apt-get update -q >/dev/null || echo "setup.sh: apt-get update failed; going on with the lists that are there" >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null
    fi
fi

failed=0
[ -n "$check" ] || mkdir -p "$deps"
while read -r sum path purpose; do
    case "$sum" in "" | "#"*) continue ;; esac
    file="$deps/${path##*/}"
    if ! whole "$sum" "$file" && [ -z "$check" ] && command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 3 --output "$file.part" "$central/$path" || true
        if whole "$sum" "$file.part"; then
            mv "$file.part" "$file"
        else
            echo "setup.sh: $central/$path: not fetched, or its SHA-256 is not $sum" >&2
            rm -f "$file.part"
        fi
    fi
    if whole "$sum" "$file"; then echo "found    $file ($purpose)"; else echo "missing  $file ($purpose)"; failed=1; fi
done <"$here/artifacts.txt"

# The C library that the tests run the models with, of the wheel that constraints.txt names: this checkout's, or PyPI's.
library=libLiteRt.so
library_sum=eec47eb35e2924b3166015887e652a58edc9af823ae38e02bf83bef2548300bb
wheel="$(sed -n 's/^ai-edge-litert==/ai-edge-litert==/p' "$here/../../constraints.txt")"
if [ -z "$check" ] && ! whole "$library_sum" "$deps/$library"; then
    for file in "$here"/../../.venv/lib/python3*/site-packages/ai_edge_litert/"$library"; do
        if whole "$library_sum" "$file"; then cp "$file" "$deps/$library"; fi
    done
    if ! whole "$library_sum" "$deps/$library" && python3 -m pip --version >/dev/null 2>&1; then
        folder="$(mktemp -d)"
        python3 -m pip download -q --no-deps --only-binary :all: --platform manylinux_2_27_x86_64 --python-version 3.11 \
            -d "$folder" "$wheel" >/dev/null && unzip -q -o -j "$folder"/*.whl "ai_edge_litert/$library" -d "$deps" || true
        rm -rf "$folder"
    fi
fi
if whole "$library_sum" "$deps/$library"; then
    echo "found    $deps/$library (inference in tests)"
else
    echo "missing  $deps/$library of $wheel for x86_64 (inference in tests)"
    failed=1
fi

for name in "${commands[@]}"; do
    if path="$(command -v "$name")"; then echo "found    $path"; else echo "missing  $name"; failed=1; fi
done
if command -v javac >/dev/null; then echo "found    $(javac -version 2>&1)"; fi
if command -v dpkg-query >/dev/null; then
    for name in bazel-rules-java bazel-platforms bazel-skylib; do
        version="$(dpkg-query -W -f '${Version}' "$name" 2>/dev/null)" && echo "found    $name $version" ||
            { echo "missing  $name"; failed=1; }
    done
fi
sdk="${ANDROID_HOME:-${ANDROID_SDK_ROOT:-}}"
if [ -n "$sdk" ] && [ -d "$sdk/platforms" ]; then
    echo "found    an Android SDK in $sdk: its d8 and android.jar are taken instead"
else
    echo "note     no Android SDK (ANDROID_HOME): dalvik-dx and android-all are taken"
fi
exit "$failed"
