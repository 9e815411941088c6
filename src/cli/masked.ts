import { maskSecrets } from '../render/masked.ts';
import type { Context, Output } from './context.ts';
import { withoutWhereabouts } from './whereabouts.ts';

/**
 * The same context, in which nothing is said that has the form of a secret: who gives one as a name, or writes it into a
 * manifest, does not want it in a log as well. Its fingerprint stays. Of pull requests it is not said either where the store is.
 */
export function masked(context: Context): Context {
  const told = withoutWhereabouts(context) ?? ((text: string) => text);
  return Object.defineProperties({} as Context, {
    ...Object.getOwnPropertyDescriptors(context),
    stdout: { value: without(context.stdout, told) },
    stderr: { value: without(context.stderr, told) },
  });
}

function without(output: Output, told: (text: string) => string): Output {
  return {
    write: (text) => output.write(told(maskSecrets(text))),
    get isTTY() {
      return output.isTTY;
    },
    get columns() {
      return output.columns;
    },
    get colour() {
      return output.colour;
    },
  };
}
