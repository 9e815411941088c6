/** Decisions read off a row of numbers; once it has run out all are the first choice, so that fewer numbers mean less. */
export class Tape {
  readonly #values: ArrayLike<number>;
  #at = 0;

  constructor(values: ArrayLike<number>) {
    this.#values = values;
  }

  get ended(): boolean {
    return this.#at >= this.#values.length;
  }

  below(limit: number): number {
    const value = this.#values[this.#at] ?? 0;
    this.#at += 1;
    return limit < 2 ? 0 : value % limit;
  }

  /** True about once in `often` times. */
  chance(often: number): boolean {
    return this.below(often) === often - 1;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  /** One of them, or undefined where there is none. */
  one<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  /** At most `most` different ones. */
  some<T>(list: readonly T[], most: number): T[] {
    const left = [...list];
    return Array.from({ length: Math.min(this.below(most + 1), list.length) }, () =>
      left.splice(this.below(left.length), 1),
    ).flat();
  }
}
