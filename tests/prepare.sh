#!/usr/bin/env bash
# Sees to what `make test` and `make lint` need beyond the .NET SDK, on Debian 12. As root it installs what is missing with
# apt-get and says so; otherwise it prints the one line that does, and fails.
#   prepare.sh test     packages; cosign, oras, two verifiers of logs, and an API server built from Debian's source, in
#                       ${XDG_CACHE_HOME:-~/.cache}/governance-gates, the user's cache folder. Where KUBEBUILDER_ASSETS names a folder with etcd,
#                       kube-apiserver and kube-controller-manager, they are used and nothing is built.
#   prepare.sh bench    the same, and a load generator
#   prepare.sh publish  a linker for the command line's native code
#   prepare.sh lint     packages
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/governance-gates
missing=()

needs_command() { command -v "$1" > /dev/null || missing+=("$2"); }
needs_file() { [ -e "$1" ] || missing+=("$2"); }

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "installing with apt-get, as root: ${missing[*]}" >&2
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" > /dev/null
  else
    printf 'missing on this machine; run this line and try again:\n\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n\n' "${missing[*]}" >&2
    exit 1
  fi
}

case ${1:-} in
  test | bench)
    if [ "$1" = bench ]; then needs_command wrk wrk; fi
    needs_command git git
    needs_command curl curl
    needs_command openssl openssl
    needs_command ssh-keygen openssh-client
    needs_command gpg gnupg
    needs_command gpgv gpgv
    needs_command docker-registry docker-registry
    needs_command go golang-go
    needs_command npm npm
    if [ -z "${KUBEBUILDER_ASSETS:-}" ] || [ ! -x "$KUBEBUILDER_ASSETS/kubectl" ]; then needs_command kubectl kubernetes-client; fi
    build_cluster=no
    if [ -z "${KUBEBUILDER_ASSETS:-}" ]; then
      needs_command etcd etcd-server
      if [ ! -x "$cache/cluster/kube-apiserver" ] || [ ! -x "$cache/cluster/kube-controller-manager" ]; then
        build_cluster=yes
        needs_command dpkg-source dpkg-dev
        python3 -c 'import json' 2> /dev/null || missing+=(python3)
        needs_file /usr/share/gocode/src/github.com/modern-go/reflect2 golang-github-modern-go-reflect2-dev
      fi
    fi
    install_missing
    "$here/peers/install.sh" "$cache/peers" >&2
    "$here/peers/verifiers.sh" "$cache/peers" >&2
    if [ $build_cluster = yes ]; then
      echo "building kube-apiserver and kube-controller-manager into $cache/cluster, once; this takes about five minutes" >&2
      "$here/cluster/build.sh" "$cache/cluster" > "$cache/cluster-build.log" 2>&1 \
        || { tail -n 30 "$cache/cluster-build.log" >&2; echo "the build failed; all it said is in $cache/cluster-build.log" >&2; exit 1; }
    fi
    ;;
  publish)
    needs_command gcc gcc
    needs_file /usr/include/features.h libc6-dev
    install_missing
    ;;
  lint)
    needs_command git git
    needs_command shellcheck shellcheck
    python3 -c 'import json, yaml' 2> /dev/null || missing+=(python3 python3-yaml)
    install_missing
    ;;
  *)
    sed -n '4,10s/^# *//p' "$0" >&2
    exit 64
    ;;
esac
