#!/usr/bin/env bash
# Builds and runs test projects one after another and ends its standard output with one line over all of them:
#   N passed, N failed, N skipped
#   run.sh CONFIGURATION PROJECT...      PROJECT is the name of a folder under tests/
# Ends with 1 when a test failed, a project crashed or nothing ran. Where CI is true a test that was skipped fails the run too,
# except for public case data that is not there: everything else is what tests/prepare.sh installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
configuration=${1:?usage: run.sh CONFIGURATION PROJECT...}
shift

# A project that hangs is ended, so that a run always has an outcome.
limit=15m
results=$(mktemp -d "${TMPDIR:-/tmp}/test-results.XXXXXX")
trap 'rm -rf "$results"' EXIT
passed=0 failed=0 skipped=0 excused=0

# The value of attribute $2 on the line $1 of a report.
attribute() { sed -n "s/.* $2=\"\([^\"]*\)\".*/\1/p" <<< "$1"; }

for project in "$@"; do
  echo "== $project"
  if ! dotnet build "tests/$project" -c "$configuration" -v q --nologo < /dev/null; then
    echo "$project does not build"
    failed=$((failed + 1))
    continue
  fi
  code=0
  "tests/$project/bin/$configuration/net10.0/$project" --no-ansi --no-progress --timeout "$limit" \
    --results-directory "$results" --report-xunit --report-xunit-filename "$project.xml" < /dev/null || code=$?

  # One element a line: a report is a single line of XML.
  tr '<' '\n' < "$results/$project.xml" > "$results/$project.lines" 2> /dev/null || : > "$results/$project.lines"
  before=$failed
  while read -r assembly; do
    passed=$((passed + $(attribute "$assembly" passed)))
    failed=$((failed + $(attribute "$assembly" failed) + $(attribute "$assembly" errors)))
    skipped=$((skipped + $(attribute "$assembly" skipped)))
  done < <(grep '^assembly ' "$results/$project.lines" || true)
  # 8 says that the project has no tests.
  if [ "$code" != 0 ] && [ "$code" != 8 ] && [ "$failed" = "$before" ]; then
    echo "$project ended with exit code $code and reports no failed test"
    failed=$((failed + 1))
  fi
  excused=$((excused + $(grep -A1 '^reason>' "$results/$project.lines" | grep -c GATES_CASES || true)))
done

verdict=0
if [ "$failed" != 0 ]; then verdict=1; fi
if [ $((passed + failed)) = 0 ]; then
  echo "no test ran"
  verdict=1
fi
if [ "${CI:-}" = true ] && [ "$skipped" != "$excused" ]; then
  echo "a test was skipped for another reason than absent case data (GATES_CASES); on CI that is a failure"
  verdict=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit $verdict
