import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Child, type Run, run } from './measure.ts';

type Where = Pick<Child, 'env' | 'stdout' | 'signal'>;

const TERRAFORM = 'terraform';
const RUN = ['-input=false', '-no-color'];

/** Terraform on as many resources of its built-in provider, which needs no network. */
export interface Terraform {
  apply(): Promise<Run>;
  /** Of what is applied: nothing to do. */
  plan(): Promise<Run>;
}

/** Undefined when it is not on the PATH. */
export function prepareTerraform(folder: string, size: number, where: Where): Terraform | undefined {
  const env = { ...where.env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' };
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'main.tf'), Array.from({ length: size }, (_, i) => resource(i)).join(''));
  try {
    execFileSync(TERRAFORM, ['init', ...RUN], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const terraform = (...args: string[]) =>
    run({ ...where, env, command: TERRAFORM, args: [...args, ...RUN], cwd: folder });
  const apply = () => {
    for (const name of ['terraform.tfstate', 'terraform.tfstate.backup'])
      rmSync(path.join(folder, name), { force: true });
    return terraform('apply', '-auto-approve');
  };
  let applied = false;
  return {
    async apply() {
      const took = await apply();
      applied = true;
      return took;
    },
    async plan() {
      if (!applied) await apply();
      applied = true;
      return terraform('plan');
    },
  };
}

function resource(i: number): string {
  const name = `user-${String(i).padStart(7, '0')}`;
  return `resource "terraform_data" "${name}" {
  input = { email = "${name}@acme.example", displayName = "User ${i}", state = "Active" }
}
`;
}
