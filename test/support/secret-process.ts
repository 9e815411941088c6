import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { peppersFor } from '../../src/cli/pepper-file.ts';
import { fileSinks } from '../../src/cli/sinks.ts';
import { newSecret } from '../../src/engine/secret-text.ts';
import { steppedFiles } from './stepped-files.ts';

/**
 * A process that does one thing in a folder, and is killed before the system call of that number:
 *
 * - `pepper`: makes the key file in `home`, for a database in `db`; writes its id and whether it made it.
 * - `issue`: stages a secret, notes its id in the file `valid`, which stands for the store, and places it.
 */
const [task = '', folder = '', killAt = 'never'] = process.argv.slice(2);
let calls = 0;

function step(): void {
  if (String(calls++) === killAt) process.kill(process.pid, 'SIGKILL');
}

const files = steppedFiles(step);
const { PATH } = process.env;

if (task === 'pepper') {
  const env = { HOME: path.join(folder, 'home') };
  const found = peppersFor({ env, sqliteFolder: path.join(folder, 'db'), mayMake: true, files });
  process.stdout.write(`${found?.peppers.current.id} ${found?.made === undefined ? 'found' : 'made'}\n`);
} else {
  const valid = path.join(folder, 'valid');
  const isOurs = (id: string) => existsSync(valid) && readFileSync(valid, 'utf8').split('\n').includes(id);
  const sinks = fileSinks({ env: { PATH }, cwd: folder, secretsDir: undefined, now: Date.now, files });
  const sink = sinks.at(path.join(folder, '.iam/secrets/ci/deploy'), 'ci/deploy');
  if (!sink) throw new Error('there is no sink');
  const secret = newSecret();
  const problem = await sink.check(isOurs);
  if (problem) throw new Error(problem.message);
  await sink.stage(secret, isOurs);
  step();
  appendFileSync(valid, `${secret.id}\n`);
  await sink.place(secret.id, isOurs);
}
process.stderr.write(`${calls}\n`);
