import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

const PIECE = 1 << 16;

/** A bare CSV writer: every field quoted, one buffer, no more than that. */
export function csvWriter(file) {
  const descriptor = openSync(file, 'w');
  let text = '';
  return {
    row(fields) {
      let separator = '';
      for (const field of fields) {
        text += `${separator}"${field.includes('"') ? field.replaceAll('"', '""') : field}"`;
        separator = ',';
      }
      text += '\r\n';
      if (text.length < PIECE) return;
      writeSync(descriptor, text);
      text = '';
    },
    close({ durable = false } = {}) {
      writeSync(descriptor, text);
      if (durable) fsyncSync(descriptor);
      closeSync(descriptor);
    },
  };
}
