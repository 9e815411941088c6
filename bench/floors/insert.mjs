// Writes the rows of a store into a new database with bare node:sqlite: same schema, one transaction, durable.
// The rows are read in chunks that are not counted, so that a million of them need not be held.
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { report, start, stop } from './stopwatch.mjs';

const CHUNK = 20_000;
/** What is referred to comes first. */
const FIRST = ['meta', 'revision', 'resource'];

const [from, to, schema] = process.argv.slice(2);
const source = new DatabaseSync(from, { readOnly: true });
const steps = JSON.parse(readFileSync(schema, 'utf8'));
const tables = source
  .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
  .all()
  .map(({ name }) => name)
  .filter((name) => name !== 'migration')
  .sort((a, b) => rank(a) - rank(b));
let rows = 0;

start();
const target = new DatabaseSync(to);
target.exec(
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; BEGIN IMMEDIATE',
);
// The steps ask for these of rows that there are none of yet.
for (const name of ['fold_case', 'milliseconds'])
  target.function(name, { deterministic: true }, (text) => String(text));
for (const step of steps) target.exec(step);
stop();
for (const table of tables) copy(table);
start();
target.exec('COMMIT');
stop();
target.close();
report({ rows });

function rank(table) {
  const found = FIRST.indexOf(table);
  return found < 0 ? FIRST.length : found;
}

function copy(table) {
  // In the order of the table itself, which is that of its primary key.
  const read = source.prepare(`SELECT * FROM "${table}" NOT INDEXED`);
  read.setReturnArrays(true);
  const columns = source.prepare(`PRAGMA table_info("${table}")`).all();
  const insert = target.prepare(`INSERT INTO "${table}" VALUES (${columns.map(() => '?').join(', ')})`);
  let chunk = [];
  const flush = () => {
    start();
    for (const row of chunk) insert.run(...row);
    stop();
    rows += chunk.length;
    chunk = [];
  };
  for (const row of read.iterate()) {
    chunk.push(row);
    if (chunk.length === CHUNK) flush();
  }
  flush();
}
