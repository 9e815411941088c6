// For floors that need what is not to be counted, such as rows to write: counts only what is between start and stop.
let wall = 0;
let cpu = 0;
let startedAt = 0n;
let usageAt = process.cpuUsage();

export function start() {
  usageAt = process.cpuUsage();
  startedAt = process.hrtime.bigint();
}

export function stop() {
  wall += Number(process.hrtime.bigint() - startedAt) / 1e6;
  const { user, system } = process.cpuUsage(usageAt);
  cpu += (user + system) / 1000;
}

/** The one line that the bench reads. */
export function report(facts = {}) {
  console.log(JSON.stringify({ wall, cpu, ...facts }));
}
