// Writes rows that are in memory to CSV files, durably. They are taken from CSV files, which is not counted.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { csvWriter } from './csv-writer.mjs';
import { report, start, stop } from './stopwatch.mjs';

const [folder, ...files] = process.argv.slice(2);
let rows = 0;
for (const file of files) {
  const table = readFileSync(file, 'utf8')
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(1, -1).split('","'));
  start();
  const writer = csvWriter(path.join(folder, path.basename(file)));
  for (const row of table) writer.row(row);
  writer.close({ durable: true });
  stop();
  rows += table.length - 1;
}
report({ rows });
