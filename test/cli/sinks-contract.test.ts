import { existsSync, readFileSync, rmSync } from 'node:fs';
import { sinkContract } from '../contract/sink-contract.ts';
import { newPlace, put } from '../support/sink-place.ts';

sinkContract({
  name: 'files',
  newPlace() {
    const { sink, declared } = newPlace();
    const file = sink.path;
    return {
      sink: () => declared('ci/deploy'),
      remembered: () => sink,
      read: async () => (existsSync(file) ? readFileSync(file, 'utf8').replace(/\n$/, '') : undefined),
      put: async (text) => put(file, `${text}\n`),
      clear: async () => rmSync(file),
    };
  },
});
