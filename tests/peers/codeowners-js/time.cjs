// Times npm's readers of CODEOWNERS: node time.cjs NODE_MODULES CODEOWNERS PATHS COUNT
// Writes for each package its name, the milliseconds for the first COUNT paths and how many of them have an owner. Reading the file is not counted.
const fs = require('node:fs');
const path = require('node:path');
const [modules, file, list, count] = process.argv.slice(2);
const paths = fs.readFileSync(list, 'utf8').split('\n').slice(0, Number(count));
const Codeowners = require(path.join(modules, 'codeowners'));
const { OwnershipEngine } = require(path.join(modules, '@snyk/github-codeowners/dist/lib/ownership/OwnershipEngine.js'));
const one = new Codeowners(path.dirname(file));
const other = OwnershipEngine.FromCodeownersFile(file);
for (const [name, owners] of [['codeowners', p => one.getOwner(p)], ['@snyk/github-codeowners', p => other.calcFileOwnership(p)]]) {
  const start = process.hrtime.bigint();
  let owned = 0;
  for (const p of paths) owned += owners(p).length > 0 ? 1 : 0;
  console.log(`${name} ${Number(process.hrtime.bigint() - start) / 1e6} ${owned}`);
}
