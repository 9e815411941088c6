/**
 * What long work consists of: files that are read, documents that are checked, resources that come from the store,
 * changes that are written to it, audit rows that are checked.
 */
export type Step = 'load' | 'validate' | 'read' | 'apply' | 'verify';

/**
 * Is told how far a step has come: so much of `total` is done. `total` may be an estimate that gets better, as long as it
 * is more than `done`; undefined where nobody knows how much there is.
 *
 * It never throws, and costs next to nothing: it may be called for every single thing. `done` never decreases within a
 * step. A step ends when the next begins, or by `done === total`; one that is done again begins anew.
 */
export type Progress = (step: Step, done: number, total: number | undefined) => void;

export const NO_PROGRESS: Progress = () => {};
