/** Each write costs as much as some kilobytes more. */
const AT_ONCE = 1 << 16;

/** Gathers many small texts to larger pieces, and gives each away. */
export class Pieces {
  #text = '';
  readonly #give: (piece: string) => void;

  constructor(give: (piece: string) => void) {
    this.#give = give;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= AT_ONCE) this.flush();
  }

  flush(): void {
    if (this.#text !== '') this.#give(this.#text);
    this.#text = '';
  }
}
