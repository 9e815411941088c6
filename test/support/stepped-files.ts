import { type SecretFiles, secretFiles } from '../../src/cli/secret-files.ts';

/**
 * The real files, which call `step` before each system call; what it throws is thrown there. Whatever is written is
 * written in pieces, so that a file can be cut short.
 */
export function steppedFiles(step: (call: keyof SecretFiles) => void): SecretFiles {
  const stepped =
    <Given extends readonly unknown[], Result>(
      call: keyof SecretFiles,
      act: (...given: Given) => Result,
    ): ((...given: Given) => Result) =>
    (...given) => {
      step(call);
      return act(...given);
    };
  return {
    makeFolder: stepped('makeFolder', secretFiles.makeFolder),
    create: stepped('create', secretFiles.create),
    write: stepped('write', (descriptor, bytes) => secretFiles.write(descriptor, bytes.subarray(0, 25))),
    sync: stepped('sync', secretFiles.sync),
    close: stepped('close', secretFiles.close),
    syncFolder: stepped('syncFolder', secretFiles.syncFolder),
    link: stepped('link', secretFiles.link),
    rename: stepped('rename', secretFiles.rename),
    remove: stepped('remove', secretFiles.remove),
  };
}

/** Throws as the system does, with that code, at one system call and at no other. */
export function failingAt(at: number, code: string): { readonly files: SecretFiles; failed(): boolean } {
  let calls = 0;
  return {
    files: steppedFiles((call) => {
      if (calls++ === at) throw Object.assign(new Error(`${code}: ${call}`), { code });
    }),
    failed: () => calls > at,
  };
}
