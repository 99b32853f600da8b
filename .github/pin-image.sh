#!/usr/bin/env bash
# Writes an image into every action.yml of this repository.
#   pin-image.sh NAME@sha256:DIGEST
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=${1:?usage: pin-image.sh NAME@sha256:DIGEST}
if [[ ! $image =~ ^[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$ ]]; then
  echo "'$image' is no image with a digest" >&2
  exit 64
fi
sed -i "s,^  image: docker://.*,  image: docker://$image," action.yml actions/*/action.yml
# All of them, or the release would run different programs.
if grep -L --fixed-strings --line-regexp "  image: docker://$image" action.yml actions/*/action.yml | grep .; then
  echo "these name another image" >&2
  exit 1
fi
