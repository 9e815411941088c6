#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `iam needs Node 22.19 or newer, this is ${process.versions.node}. In a checkout, npx iam runs it on the Node that npm ci has installed.\n`,
  );
  process.exitCode = 1;
} else {
  const { runProcess } = await import('./process.ts');
  await runProcess();
}
