// Loaded before each measured program: at its end writes what it used, so that nothing need be installed to measure it.
const { readFileSync, writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

if (isMainThread && process.env.BENCH_USAGE) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeFileSync(
      process.env.BENCH_USAGE,
      JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, rss: (ownPeak() ?? maxRSS) * 1024 }),
    );
  });
}

/** Linux counts into maxRSS what the parent held when it forked; VmHWM is of this program alone. In KiB, both. */
function ownPeak() {
  try {
    const found = /^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  }
}
