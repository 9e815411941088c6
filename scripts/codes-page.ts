import { CODES } from '../src/core/code.ts';

const FAMILIES: Readonly<Record<string, string>> = {
  1: 'RC1xx: input',
  2: 'RC2xx: guards',
  3: 'RC3xx: policies',
  4: 'RC4xx: store, lock, stale plans',
  5: 'RC5xx: tokens and where their secrets go',
  6: 'RC6xx: pull requests',
  7: 'RC7xx: clusters',
};

/** `docs/codes.md`. */
export function codesPage(): string {
  const families = Map.groupBy(Object.entries(CODES), ([code]) => code.charAt(2));
  const sections = [...families]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([family, codes]) => {
      const title = FAMILIES[family];
      if (title === undefined) throw new Error(`no family has the code ${codes[0]?.[0]}`);
      const rows = codes
        .sort(([a], [b]) => a.localeCompare(b, 'en'))
        .map(([code, [name, meaning]]) => `| ${code} | ${cell(name)} | ${cell(meaning)} |`);
      return [`## ${title}`, '', '| code | title | meaning |', '|---|---|---|', ...rows, ''].join('\n');
    });
  return [
    '# Codes',
    '',
    'Everything that `iam` finds wrong, or refuses, has a code. A code is never given a second meaning.',
    '',
    'Generated from `src/core/code.ts` by `npm run generate`.',
    '',
    ...sections,
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
