#!/usr/bin/env bash
# Puts the real peers that tests run against into a folder: cosign 2.5 and oras 1.2, from Debian 13's packages, which run on
# Debian 12 too. Nothing is installed on the system.
#   install.sh DIR      leaves DIR/cosign and DIR/oras; does nothing when they stand there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/debian.sh
. "$here/../debian.sh"

out=$(realpath -m "${1:?usage: install.sh DIR}")
if [ -x "$out/cosign" ] && [ -x "$out/oras" ]; then exit 0; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/peers.XXXXXX")
trap 'rm -rf "$work"' EXIT
mirror=$(debian_mirror)
make_private_apt "$work" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main"
(cd "$work" && private_apt "$work" download cosign oras && for package in ./*.deb; do dpkg -x "$package" unpacked; done)
mkdir -p "$out"
# Renamed into place, so that a run that is cut short leaves no half a program behind.
for peer in cosign oras; do
  cp "$work/unpacked/usr/bin/$peer" "$out/.$peer.new"
  mv "$out/.$peer.new" "$out/$peer"
done
"$out/cosign" version > /dev/null
echo "peers: $out/cosign, $out/oras"
