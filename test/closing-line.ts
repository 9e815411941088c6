import { writeSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Prints `N passed, N failed[, N skipped]`, the counts of test cases, as the very last line of a run. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'failed') failed++;
        else if (state === 'passed') count.passed++;
        else count.skipped++;
      }
      // A file that does not load, or whose hooks fail, may have no test that failed.
      count.failed += failed === 0 && module.state() === 'failed' ? 1 : failed;
    }
    const line = `${count.passed} passed, ${count.failed} failed`;
    process.once('exit', () => writeSync(1, `${line}${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}\n`));
  }
}
