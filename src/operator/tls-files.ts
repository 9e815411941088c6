import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { EXIT, failure } from '../core/problem.ts';
import type { Log } from './log.ts';

/** Files in PEM form: a certificate with those that it rests on, and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** What they say. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const BETWEEN_LOOKS = 2000;

/** Throws a Failure (RC101, exit 4) when they cannot be read, or do not belong together. */
export function readTls({ cert, key }: TlsFiles): TlsPair {
  try {
    const pair = { cert: readFileSync(cert), key: readFileSync(key) };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw failure(
      EXIT.invalid,
      'RC101',
      `the certificate ${cert} and its key ${key} cannot be used: ${reason}`,
    );
  }
}

/**
 * Has a server use what the files say, also when it is something else later: who renews a certificate puts others in their
 * place. Those that do not belong together, as halfway through that, are passed over until they do. Returns how to end it.
 *
 * They are read, not watched: a mounted Secret is a link to a folder that is swapped for another.
 */
export function keepTls(server: Server, files: TlsFiles, used: TlsPair, log: Log): () => void {
  let last = used;
  let complaint: string | undefined;
  const look = () => {
    try {
      const pair = readTls(files);
      complaint = undefined;
      if (pair.cert.equals(last.cert) && pair.key.equals(last.key)) return;
      server.setSecureContext(pair);
      last = pair;
      log.info('certificate renewed');
    } catch (error) {
      const text = String(error);
      if (text !== complaint) log.warn('certificate not renewed', { error });
      complaint = text;
    }
  };
  const timer = setInterval(look, BETWEEN_LOOKS).unref();
  return () => clearInterval(timer);
}
