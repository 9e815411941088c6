// Stats, reads and hashes the files of a folder.
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';

const [folder] = process.argv.slice(2);
for (const file of readdirSync(folder)) {
  const path = `${folder}/${file}`;
  if (statSync(path).isFile()) hash('sha256', readFileSync(path));
}
