import { Argument, Command, Option } from 'commander';
import type { ExitStatus } from '../core/problem.ts';
import type { Context } from './context.ts';
import { addGuardOptions } from './guard-options.ts';

/** What a command does: options as commander parsed them, the global ones among them. */
export type Handler = (context: Context, args: readonly string[], options: never) => Promise<ExitStatus>;

/** A command's code, loaded only when the command runs. */
type Load = () => Promise<{ readonly command: Handler }>;

/** The command line as data. Loads no command. */
export function createProgram(context: Context, done: (exit: ExitStatus) => void): Command {
  const program = new Command('iam')
    .description('Access to workspaces as code: manifests to exact access, shown before it is applied.')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      // Mistakes are reported once, by run(), in the form that the command line asks for.
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(context.stdout.columns, 100),
      getErrHelpWidth: () => 80,
      getOutHasColors: () => context.stdout.colour,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .showSuggestionAfterError()
    .helpCommand(false)
    .option('--store <url>', 'where actual state lives (IAM_STORE; default sqlite:.iam/iam.db)')
    .option('-n, --workspace <name>', 'only this workspace')
    .option('--manager <name>', 'who manages what is applied (IAM_MANAGER; default "default")')
    .option('--as <user>', 'who you are (IAM_ACTOR)')
    .option('--secrets-dir <dir>', 'where secrets of tokens go (default .iam/secrets)')
    .option('--lock-timeout <time>', 'how long to wait for another writer (default 30s)')
    .option('-q, --quiet', 'results only')
    .option('-v, --verbose', 'say more when something fails')
    .option('--no-color', 'no colours (NO_COLOR)')
    .addOption(new Option('--log-format <format>', 'how to speak on stderr').choices(['text', 'json']))
    .addHelpText('after', '\nThe first steps: iam init DIR, iam apply -f DIR, iam get users.');

  const command = (usage: string, summary: string, load: Load, above = program): Command => {
    const sub = above
      .command(usage)
      .summary(summary)
      .description(summary)
      .action(async () => {
        const { command: handler } = await load();
        const options = sub.optsWithGlobals();
        done(await handler(context, sub.args, options as never));
      });
    return sub;
  };
  const output = (sub: Command, ...formats: string[]) =>
    sub.addOption(new Option('-o, --output <format>', 'how to print').choices(formats).default(formats[0]));
  const files = (sub: Command) =>
    sub.option('-f, --filename <path...>', 'file, folder, glob, or - for stdin');
  const cluster = (sub: Command) =>
    sub
      .option('--kubeconfig <file>', 'of the cluster (default: as kubectl)')
      .option('--context <name>', 'of the kubeconfig (default: the current one)')
      .option('--class <name>', 'the class of the objects (rolecall.dev/class)');
  const sources = (sub: Command) =>
    cluster(
      files(sub).addOption(new Option('--source <kind>', 'instead of files: a cluster').choices(['cluster'])),
    );
  const asked = (sub: Command) =>
    sources(sub)
      .option('--resource <type/id>', 'on this resource, such as Source/website')
      .option('--resource-labels <labels>', 'the labels that it has: k=v,k=v')
      .option('--at <time>', 'as it was, or will be, at that time');
  const scope = (sub: Command) =>
    sub
      .option('--prune', "delete what this manager has and the input doesn't")
      .option('--prune-workspace <name...>', 'delete a workspace that is gone, and all in it')
      .option('--adopt', 'take over what another manager manages');
  const guards = (sub: Command) =>
    addGuardOptions(sub).option('--reason <text>', 'why, for the history and for an override');
  const writes = (sub: Command) =>
    guards(sub)
      .option('--yes', 'do not ask')
      .option('--expect <digest>', 'only if the plan has this digest')
      .option('--snapshot <dir>', 'where to write the CSV snapshots')
      .option('--no-snapshot', 'write no snapshots');

  program.commandsGroup('Change access:');
  output(
    files(command('validate', 'check manifests, without a store', () => import('./validate.ts')))
      .option('--partial', 'references to what is not in the files are warnings')
      .option('--audit', 'every policy of the files on every resource of the files (exit 3)'),
    'text',
    'json',
  );
  output(
    guards(
      scope(
        sources(
          command(
            'plan',
            'show what an apply would do, and who gains or loses what',
            () => import('./plan.ts'),
          ),
        ),
      ),
    )
      .option('--out <file>', 'write the plan as JSON, for apply --plan')
      .option('--exit-code', 'exit 2 when there are changes')
      .option('--at <time>', 'as if it were that time')
      .option('--horizon <time>', 'also what access ends within it, such as 7d')
      .option('--full', 'read everything, also what has not changed since the last plan'),
    'text',
    'json',
    'markdown',
  );
  output(
    writes(
      scope(files(command('apply', 'make actual access what the manifests say', () => import('./apply.ts')))),
    )
      .option('--plan <file>', 'exactly that plan, or nothing')
      .option('--keep-going', 'leave out what fails or is refused, and apply the rest (exit 6)')
      .option('--watch', 'apply again whenever the files change'),
    'text',
    'json',
  );
  output(
    writes(command('delete <kind> <name>', 'delete one resource', () => import('./delete.ts')))
      .option('--adopt', 'also when another manager manages it')
      .option('--with-contents', 'a workspace with all that is in it'),
    'text',
    'json',
  );
  output(
    writes(
      command(
        'suspend <user>',
        'take all access from a person at once, until somebody gives it back',
        () => import('./suspend.ts'),
      ),
    ),
    'text',
    'json',
  );
  const token = command(
    'token',
    'the secret of a token: rotate, revoke, verify',
    () => import('./token.ts'),
  ).allowExcessArguments();
  output(
    command(
      'rotate <name>',
      'issue a new secret; the one before stays valid for rotation.overlap',
      () => import('./token-rotate.ts'),
      token,
    )
      .option('--to <file>', 'where the secret goes, instead of deliverTo')
      .option('--reason <text>', 'why, for the history'),
    'text',
    'json',
  );
  output(
    writes(
      command('revoke <name>', 'end all its secrets, for good', () => import('./token-revoke.ts'), token),
    ),
    'text',
    'json',
  );
  output(
    command(
      'verify [name]',
      'whether the secret on stdin is valid, of whom and until when (exit 0 or 1)',
      () => import('./token-verify.ts'),
      token,
    ),
    'text',
    'json',
  );
  output(
    files(
      command(
        'diff',
        'what differs between two commits (no store needed) or two revisions',
        () => import('./diff.ts'),
      ),
    )
      .option('--git <base..head>', 'two commits of the repository that the files are in')
      .option('--from <rev>', 'a revision of the store, as iam history lists them')
      .option('--to <rev>', 'another one (default: the newest)'),
    'text',
    'json',
    'markdown',
  );

  program.commandsGroup('Look at access:');
  output(
    command('get <kind> [name]', 'list resources', () => import('./get.ts'))
      .option('-A, --all-workspaces', 'of all workspaces (the default without -n)')
      .option('-l, --selector <labels>', 'only with these labels: k=v,k!=v,k'),
    'table',
    'wide',
    'json',
    'yaml',
    'name',
    'csv',
  );
  output(
    command(
      'describe <kind> <name>',
      'one resource, with what it gives and who refers to it',
      () => import('./describe.ts'),
    ),
    'text',
    'json',
  );
  output(
    asked(
      command(
        'can-i <user> <role>',
        'whether a person (or token/NAME) may act as a role',
        () => import('./can-i.ts'),
      ),
    ),
    'text',
    'json',
  );
  output(
    asked(command('who-can <role>', 'everybody who may act as a role', () => import('./who-can.ts'))),
    'text',
    'json',
  );
  output(
    asked(
      command('why <user>', 'all that a person (or token/NAME) was given, and how', () => import('./why.ts')),
    ).option('-A, --all-workspaces', 'in all workspaces (the default without -n)'),
    'text',
    'json',
  );
  output(
    command(
      'offboard <user>',
      'what a person holds, owns and answers for, and what to do when he leaves',
      () => import('./offboard.ts'),
    ),
    'text',
    'json',
  );
  output(
    command(
      'drift',
      'what another manager, or somebody in the database, has changed since it was applied (exit 2)',
      () => import('./drift.ts'),
    ).option('-A, --all-workspaces', 'in all workspaces (the default without -n)'),
    'text',
    'json',
  );
  command('export', 'actual state as manifests', () => import('./export.ts'))
    .option('-A, --all-workspaces', 'all workspaces (the default without -n)')
    .option('-o, --output <dir>', 'write a folder instead of stdout');
  command('snapshot', 'who has what, as CSV', () => import('./snapshot.ts'))
    .option('-A, --all-workspaces', 'all workspaces (the default without -n)')
    .addOption(
      new Option('--layout <layout>', 'a row per person, or per grant')
        .choices(['users', 'grants'])
        .default('users'),
    )
    .option('-o, --output <file>', 'write a file instead of stdout')
    .option('--at <time>', 'as it was, or will be, at that time')
    .option('--bom', 'begin with a byte order mark, for Excel');
  const history = output(
    command('history', 'what was applied, when and by whom', () => import('./history.ts'))
      .allowExcessArguments()
      .option('--since <time>', 'only from then on')
      .option('--audit', 'every row of the audit, oldest first')
      .option('--refused', 'what guards and policies refused, oldest first'),
    'text',
    'json',
    'jsonl',
  );
  output(
    command('show <rev>', 'one revision: who, why, its changes', () => import('./history-show.ts'), history),
    'text',
    'json',
  );
  output(
    command(
      'verify',
      'whether the audit is as it was written',
      () => import('./history-verify.ts'),
      history,
    ).option('--head <seq:hash>', 'a row that was there, as apply -o json gives it (auditHead)'),
    'text',
    'json',
  );
  output(
    command(
      'redact <seq...>',
      'take away what audit rows say, but not that they are there',
      () => import('./history-redact.ts'),
      history,
    )
      .option('--reason <text>', 'why, for the audit')
      .option('--yes', 'do not ask'),
    'text',
    'json',
  );

  program.commandsGroup('Pull requests:');
  const pr = command(
    'pr',
    'pull requests: plan, apply, drift',
    () => import('./pr.ts'),
  ).allowExcessArguments();
  const forged = (sub: Command) =>
    sub
      .option('--repo <owner/name>', 'the repository (GITHUB_REPOSITORY; its token is GITHUB_TOKEN)')
      .option('--head <rev>', 'the commit that it is about')
      .option('--dry-run', 'write to stdout what would be said there; ask nobody, and change nothing');
  forged(
    command(
      'plan',
      'what merging a pull request does to access, as a comment and a check',
      () => import('./pr-plan.ts'),
      pr,
    ),
  )
    .option('--pr <number>', 'which one (default: that of the event)')
    .option('--base <rev>', 'by hand: the commit that it is to be merged into')
    .option('--all', 'every open one, because the base or the store has moved')
    .option('--approved-forks', 'a fork against the store too, once its head is approved')
    .option('--remote <name>', 'where its commits are fetched from (default: origin)')
    .option('--artifact <dir>', 'write the whole plan there');
  forged(
    command(
      'apply',
      'apply what was merged since the last commit that was applied',
      () => import('./pr-apply.ts'),
      pr,
    ),
  )
    .option('--since <rev>', 'the last commit that counts as applied, where the store knows none')
    .option('--approved <digest>', 'the refused plan that the environment of this run was approved for')
    .option('--remote <name>', 'whose default branch is applied (default: origin)')
    .option('--snapshot <dir>', 'where to write the CSV snapshots')
    .option('--no-snapshot', 'write no snapshots');
  forged(command('drift', 'keep one issue that says what has drifted', () => import('./pr-drift.ts'), pr));

  program.commandsGroup('In a cluster:');
  const operator = cluster(
    command('operator', 'keep a store at what the objects of a cluster say', () => import('./operator.ts')),
  )
    .option('--install <name>', 'which install it is: it manages as operator:NAME', 'rolecall')
    .option('--watch-namespace <name...>', 'only these namespaces (default: all)')
    .option('--interval <time>', 'how often the store is looked at though nothing changed', '10m')
    .option('--leader-elect', 'only one of several works: who has the Lease')
    .option('--lease-namespace <name>', 'where the Lease is (default: POD_NAMESPACE)')
    .option('--lease-name <name>', 'how it is called (default: rolecall-INSTALL)')
    .option('--listen <address>', '/metrics and /snapshots, for whom the cluster lets', ':8080')
    .option('--health-listen <address>', '/healthz and /readyz, for everybody', ':8081')
    .option('--tls-cert <file>', 'speak TLS on --listen')
    .option('--tls-key <file>', 'the key of --tls-cert')
    .option('--snapshot-dir <dir>', 'where the snapshots are kept (default: a temporary folder)')
    .option('--snapshot-config-maps', 'copy them to a ConfigMap in each namespace, for all who view it')
    .option('--object-metrics', 'a figure for each condition of each object')
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .option('--grace <time>', 'how long a stop may take', '30s');
  cluster(
    command(
      'release [kind] [name]',
      'let objects go that wait for a store that is gone; what the store has stays',
      () => import('./operator-release.ts'),
      operator,
    ),
  )
    .option('--all', 'objects that nobody has deleted, too: before an uninstall')
    .option('--yes', 'do not ask');

  program.commandsGroup('Start and learn:');
  command('init <dir>', 'a small folder of manifests to begin with', () => import('./init.ts'));
  command('import', 'manifests from another tool: peribolos', () => import('./import.ts'))
    .addArgument(new Argument('<format>', 'what it is').choices(['peribolos']))
    .argument('<path...>', 'the folder of the organisations, or of one')
    .option('-o, --output <dir>', 'write a folder instead of stdout');
  output(
    command(
      'explain [kind]',
      'what a kind, or a field of it, means: group, group.members',
      () => import('./explain.ts'),
    ),
    'text',
    'json',
  );
  command('completion', 'completion for bash, zsh or fish', () => import('./completion.ts')).addArgument(
    new Argument('<shell>', 'to load it: source <(iam completion bash)').choices(['bash', 'zsh', 'fish']),
  );
  output(
    command('version', 'the version of iam', () => import('./version.ts')),
    'text',
    'json',
  );
  return program;
}
