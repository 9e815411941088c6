/** Remembers the newest of what was found out, for so long as each may be believed. */
export class Recent<V> {
  readonly #most: number;
  readonly #now: () => number;
  readonly #all = new Map<string, { readonly value: V; readonly until: number }>();

  /** `now` in milliseconds of a clock that nobody sets. */
  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#now = now;
  }

  get(key: string): V | undefined {
    const known = this.#all.get(key);
    if (!known || known.until > this.#now()) return known?.value;
    this.#all.delete(key);
    return undefined;
  }

  set(key: string, value: V, milliseconds: number): void {
    this.#all.delete(key);
    this.#all.set(key, { value, until: this.#now() + milliseconds });
    if (this.#all.size > this.#most) this.#all.delete(this.#all.keys().next().value ?? key);
  }
}
