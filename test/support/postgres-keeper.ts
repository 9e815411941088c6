/**
 * Keeps a server for tests in other processes: `node postgres-keeper.ts FOLDER PID`.
 *
 * FOLDER exists and is empty. Writes ready.json into it, {url} or {error}; when process PID is gone, stops the server and
 * removes the folder.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeServer } from './postgres-server.ts';

const [folder = '', watched = ''] = process.argv.slice(2);

function tell(what: object): void {
  writeFileSync(path.join(folder, 'ready.new'), JSON.stringify({ ...what, keeper: process.pid }), {
    mode: 0o600,
  });
  renameSync(path.join(folder, 'ready.new'), path.join(folder, 'ready.json'));
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

try {
  const server = await makeServer(folder);
  await server.start();
  tell({ url: server.url });
  while (isThere(Number(watched))) await sleep(200);
  await server.stop();
} catch (error) {
  tell({ error: String(error) });
  while (isThere(Number(watched))) await sleep(200);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
