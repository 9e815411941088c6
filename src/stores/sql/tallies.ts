/** By how much one entry changes how many resources there are. */
export class Tallies {
  readonly #changes = new Map<string, { readonly place: readonly [string, string, string]; by: number }>();

  add(kind: string, workspace: string, manager: string, by: number): void {
    const key = `${kind}/${workspace}/${manager}`;
    const known = this.#changes.get(key);
    if (known) known.by += by;
    else this.#changes.set(key, { place: [kind, workspace, manager], by });
  }

  /** Those that do change. */
  entries(): { readonly place: readonly [string, string, string]; readonly by: number }[] {
    return [...this.#changes.values()].filter(({ by }) => by !== 0);
  }
}
