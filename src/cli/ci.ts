/** Whether this runs in CI, where nobody looks at a folder afterwards. `CI=false`, `CI=0` and `CI=` say no. */
export function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  return !['', '0', 'false'].includes(env.CI?.toLowerCase() ?? '');
}
