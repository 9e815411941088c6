import { writeSync } from 'node:fs';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Prints `N passed, N failed[, N skipped]`, the counts of test cases, as the very last line of a run.
 * A file that does not load counts as one that failed, and so does a run that does not come to its end.
 */
export default class ClosingLine implements Reporter {
  #line = '0 passed, 1 failed';

  onInit(): void {
    process.on('exit', () => writeSync(1, `${this.#line}\n`));
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      const failed = states.filter((state) => state === 'failed').length;
      const passed = states.filter((state) => state === 'passed').length;
      count.passed += passed;
      count.skipped += states.length - passed - failed;
      // A file that does not load, or whose hooks fail, may have no test that failed.
      count.failed += failed === 0 && module.state() === 'failed' ? 1 : failed;
    }
    if (reason !== 'passed' && count.failed === 0) count.failed = 1;
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    this.#line = `${count.passed} passed, ${count.failed} failed${skipped}`;
  }
}
