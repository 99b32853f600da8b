#!/usr/bin/env bash
# Builds the command line from two folders of other names and lengths, and ends with 1 unless both came out the same, bit for bit.
#   reproducible.sh managed   its assemblies, as `make publish` compiles them to native code
#   reproducible.sh native    the program itself, as `make publish` does; needs a C linker and minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
form=${1:?usage: reproducible.sh managed|native}
work=$(mktemp -d "${TMPDIR:-/tmp}/reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT

case $form in
  managed) options=(-p:DebugType=none -p:PublishDocumentationFiles=false) ;;
  native) options=(-r linux-x64 -p:DebugType=none -p:CopyOutputSymbolsToPublishDirectory=false -p:PublishDocumentationFiles=false -p:PublishAot=true -p:CppCompilerAndLinker=gcc) ;;
  *) sed -n '3,4s/^# *//p' "$0" >&2; exit 64 ;;
esac

for folder in "$work/a" "$work/another/folder of a longer name"; do
  mkdir -p "$folder"
  # What is built from, as it stands here, and nothing that was built.
  git ls-files -z --cached --others --exclude-standard -- src tests/peers/gotlog global.json .editorconfig 'Directory.*.props' | xargs -0 cp --parents -t "$folder"
  (cd "$folder" && dotnet publish src/Governance.Gates.Cli -c Release -v q --nologo -p:RunAnalyzers=false "${options[@]}" -o out < /dev/null)
  (cd "$folder/out" && find . -type f ! -name '*.pdb' ! -name '*.dbg' -print0 | sort -z | xargs -0 sha256sum) > "$folder.sums"
done
diff "$work/a.sums" "$work/another/folder of a longer name.sums"
echo "the same from two folders: $(wc -l < "$work/a.sums") files"
