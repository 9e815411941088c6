import type { Progress } from '../engine/progress.ts';

/** A stream that text is written to. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Whether colours are wanted there. */
  readonly colour: boolean;
}

/** All that a command may know and use of the world. Tests give their own. */
export interface Context {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether somebody can answer a question. */
  readonly interactive: boolean;
  readStdin(): Promise<Uint8Array>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Asks yes or no; no where nobody answers. */
  confirm(question: string): Promise<boolean>;
  /**
   * Resolves when somebody wants the command to stop. By a signal it then exits as one that was interrupted (130, 143), unless being
   * stopped is how it ends.
   */
  stopped(isItsEnd?: boolean): Promise<void>;
  /** Calls this just before the process ends, however it ends. */
  atExit?(tidy: () => void): void;
  /** Whether a forge is asked without the pauses that a public one wants. */
  readonly hurries?: boolean;
  /** To tell how far long work is; `run` gives it to each command. */
  readonly progress?: Progress;
}
