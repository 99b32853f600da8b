#!/usr/bin/env bash
# Builds kube-apiserver and kube-controller-manager from Debian's `kubernetes` source package, for tests that need a real API
# server on a machine that cannot download one. Where KUBEBUILDER_ASSETS is set, those binaries are used and this is not run.
#   build.sh OUT        leaves OUT/kube-apiserver and OUT/kube-controller-manager; does nothing when they stand there
# Takes 4 to 6 minutes on 2 cores and about 3 GB of scratch space (TMPDIR). Needs golang-go, dpkg-dev, python3 and
# golang-github-modern-go-reflect2-dev; tests/prepare.sh sees to them. Two things break a plain `go build` of this package:
#   - pkg/generated/openapi is not in the source package: it is generated first;
#   - the vendored modern-go/reflect2 1.0.1 panics with Go 1.18 and later on any object that holds a map: Debian's 1.0.2 is
#     laid over it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/debian.sh
. "$here/../debian.sh"

out=$(realpath -m "${1:?usage: build.sh OUT}")
if [ -x "$out/kube-apiserver" ] && [ -x "$out/kube-controller-manager" ]; then exit 0; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/kube-build.XXXXXX")
# Go writes its caches read-only.
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mirror=$(debian_mirror)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
make_private_apt "$work" "deb-src $mirror $suite main"
(cd "$work" && private_apt "$work" source --download-only kubernetes && dpkg-source -x ./*.dsc src > /dev/null)

src=$work/src
mkdir -p "$work/gopath/src/k8s.io" "$work/generated"
ln -sfn "$src" "$work/gopath/src/k8s.io/kubernetes"
export GOPATH=$work/gopath GO111MODULE=off GOCACHE=$work/cache CGO_ENABLED=0 GOFLAGS=
cd "$GOPATH/src/k8s.io/kubernetes"
# Go resolves the working directory through PWD: the symbolic link keeps the tree inside GOPATH.
export PWD=$GOPATH/src/k8s.io/kubernetes

go build -o "$work/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
marked() { grep -rl --include='*.go' '^// +k8s:openapi-gen=' "$@" | grep -v '_test\.go'; }
packages=$(
  {
    (cd staging/src && marked k8s.io | grep -vE '^k8s.io/(code-generator|sample-apiserver|sample-controller)/' | xargs -n1 dirname | sed 's#^#k8s.io/kubernetes/vendor/#')
    marked pkg cmd | xargs -n1 dirname | sed 's#^#k8s.io/kubernetes/#'
  } | sort -u | paste -sd, -
)
"$work/openapi-gen" --logtostderr -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/violations.report" --output-base "$work/generated"

python3 - "$work" "$src" <<'P'
import json, os, sys
work, src = sys.argv[1:]
debian = '/usr/share/gocode/src/github.com/modern-go/reflect2/'
replace = {}
for root in (work + '/gopath/src/k8s.io/kubernetes', src):
    replace[root + '/pkg/generated/openapi/zz_generated.openapi.go'] = work + '/generated/k8s.io/kubernetes/pkg/generated/openapi/zz_generated.openapi.go'
    vendored = root + '/vendor/github.com/modern-go/reflect2/'
    new = {f for f in os.listdir(debian) if f.endswith('.go') and not f.endswith('_test.go')}
    for f in new:
        replace[vendored + f] = debian + f
    for f in {f for f in os.listdir(vendored) if f.endswith('.go')} - new:
        replace[vendored + f] = ''
with open(work + '/overlay.json', 'w') as overlay:
    json.dump({'Replace': replace}, overlay)
P
mkdir -p "$out" "$work/built"
go build -overlay "$work/overlay.json" -ldflags '-s -w' -o "$work/built/" k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager
# Renamed into place, so that a run that is cut short leaves no half a program behind.
for binary in kube-apiserver kube-controller-manager; do
  cp "$work/built/$binary" "$out/.$binary.new"
  mv "$out/.$binary.new" "$out/$binary"
done
echo "cluster: $out/kube-apiserver, $out/kube-controller-manager"
