#!/usr/bin/env bash
# Makes what `--device qemu:CPU` needs, once: an arm64 root file system with Python, aarch64 wheels (the runtimes, and Pillow for
# apps), and QEMU itself.
# Usage: benchmarks/arm64_root.sh [FOLDER]     by default where edgetl looks: ~/.cache/edgetl/arm64
# Needs a Debian with apt-get and a Python 3 with pip (PYTHON=...); no root rights: nothing is installed. 250 MB, under a minute.
set -euo pipefail

suite=trixie # the oldest whose QEMU (10.0) runs LiteRT; 7.2 ends in a segmentation fault
python=3.13  # of that suite
packages=("python$python-minimal" "libpython$python-stdlib" libstdc++6 libgcc-s1 zlib1g)
wheels=(ai-edge-litert onnxruntime numpy pillow)

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dest=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/edgetl/arm64}
stamp=$(sha256sum "${BASH_SOURCE[0]}" "$project/constraints.txt" | sha256sum | cut -c 1-64)
[ "$(cat "$dest/stamp" 2> /dev/null)" != "$stamp" ] || exit 0

command -v apt-get > /dev/null || { echo "this is no Debian: there is no apt-get to fetch arm64 packages with" >&2; exit 1; }
archive=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources 2> /dev/null | head -n 1)
[ -n "$archive" ] || archive=$(awk '$1 == "deb" && $2 ~ /^http/ {print $2; exit}' /etc/apt/sources.list 2> /dev/null || true)
[ -n "$archive" ] || { echo "this machine's apt sources name no Debian archive" >&2; exit 1; }

mkdir -p "$(dirname "$dest")"
new=$(mktemp -d "$dest.XXXXXX") # beside it, so that the last step is a rename
trap 'rm -rf "$new"' EXIT

# fetch ARCHITECTURE PACKAGE...: the packages with all that they need, as .deb files under $new/apt/ARCHITECTURE
fetch() {
    local at=$new/apt/$1 options
    mkdir -p "$at/lists/partial" "$at/archives/partial"
    : > "$at/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main" > "$at/sources.list"
    options=(-qq -o "APT::Architecture=$1" -o "APT::Architectures=$1" -o "Dir::Etc::SourceList=$at/sources.list" -o Dir::Etc::SourceParts=/nonexistent
        -o "Dir::State::Lists=$at/lists" -o "Dir::Cache=$at" -o "Dir::State::status=$at/status" -o APT::Sandbox::User=)
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install -y --no-install-recommends --download-only "${@:2}"
}

fetch arm64 "${packages[@]}"
mkdir -p "$new/root/usr/lib"
ln -s usr/lib "$new/root/lib" # as Debian's base-files does
for package in "$new"/apt/arm64/archives/*.deb; do dpkg-deb -x "$package" "$new/root"; done

"${PYTHON:-python3}" -m pip --disable-pip-version-check install --quiet --no-deps --target "$new/site" --only-binary=:all: \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 --python-version "$python" \
    -c "$project/constraints.txt" "${wheels[@]}"

fetch "$(dpkg --print-architecture)" qemu-user
dpkg-deb --fsys-tarfile "$new"/apt/"$(dpkg --print-architecture)"/archives/qemu-user_*.deb | tar -x -C "$new" --strip-components=3 ./usr/bin/qemu-aarch64

rm -rf "$new/apt"
echo "$stamp" > "$new/stamp"
rm -rf "$dest"
mv -T "$new" "$dest"
