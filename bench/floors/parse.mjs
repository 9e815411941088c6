// Reads and parses the files of a folder with bare js-yaml, and does nothing with them.
import { readdirSync, readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';

const [folder] = process.argv.slice(2);
for (const file of readdirSync(folder)) loadAll(readFileSync(`${folder}/${file}`, 'utf8'));
