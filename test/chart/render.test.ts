import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { describeHelm, runTool } from '../support/helm.ts';
import { CHART, type Rendered, renderedObjects, template, VALUES_FILES, valuesPath } from './chart.ts';

/** What each file of test/chart/values renders, but the CRDs. UPDATE_GOLDEN=1 rewrites it. */
const GOLDEN = join(import.meta.dirname, 'golden');

describeHelm('the chart', (tools) => {
  describe.each(VALUES_FILES)('with the values %s', (file) => {
    test('passes the strict lint', async () => {
      const { exit, stdout } = await runTool(tools.helm, [
        'lint',
        '--strict',
        CHART,
        '--values',
        valuesPath(file),
      ]);
      expect(stdout).toContain('0 chart(s) failed');
      expect(exit).toBe(0);
    });

    test('renders what it did', async () => {
      const { exit, stdout, stderr } = await template(tools, { file, set: ['crds.install=false'] });
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      const path = join(GOLDEN, `${file}.yaml`);
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, stdout);
      expect(stdout).toBe(readFileSync(path, 'utf8'));
    });

    test('has no key twice, each object once, and all of them in a namespace that is named', async () => {
      const objects = await renderedObjects(tools, file);
      const identities = objects.map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
      );
      expect(new Set(identities).size).toBe(identities.length);
      for (const { kind, metadata } of objects) {
        const global = /^(Cluster|CustomResourceDefinition|ValidatingAdmissionPolicy)/.test(kind);
        expect(metadata.namespace === undefined, `${kind} ${metadata.name}`).toBe(global);
        expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'rolecall' });
      }
    });

    test('gives the operator no verb and no resource by a star, and no list of Secrets', async () => {
      for (const { kind, metadata, rules } of (await renderedObjects(tools, file)) as readonly Rbac[]) {
        if (kind !== 'Role' && kind !== 'ClusterRole') continue;
        for (const rule of rules) {
          expect(Object.values(rule).flat()).not.toContain('*');
          if (!rule.resources?.includes('secrets')) continue;
          expect(kind, metadata.name).toBe('Role');
          expect(rule.verbs).toEqual(['get', 'create', 'patch', 'delete']);
        }
        expect(Object.keys(metadata.labels ?? {}).join()).not.toContain('aggregate');
      }
    });

    test('its pods pass the restricted Pod Security Standard, and cannot write to their root', async () => {
      const { spec } = find(await renderedObjects(tools, file), 'Deployment').spec.template;
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec.containers).toHaveLength(1);
      expect(spec.containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(spec.containers[0]?.resources.requests).toMatchObject({ memory: expect.any(String) });
      for (const volume of spec.volumes) expect(volume).not.toHaveProperty('hostPath');
    });
  });

  test('with watchNamespaces nothing that is in a namespace is read beyond them', async () => {
    const objects = (await renderedObjects(tools, 'watch-namespaces')) as readonly Rbac[];
    const cluster = objects.find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'rolecall',
    );
    expect(cluster?.rules.flatMap(({ resources }) => resources ?? [])).toEqual([
      'workspaces',
      'rolecallusers',
      'workspaceroles',
      'accesspolicies',
      'workspaces/status',
      'rolecallusers/status',
      'workspaceroles/status',
      'accesspolicies/status',
      'selfsubjectreviews',
      'tokenreviews',
      'subjectaccessreviews',
    ]);
  });

  test('the CRDs go out as they were generated, but for their head', async () => {
    const objects = await renderedObjects(tools, 'default');
    const crds = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(crds).toHaveLength(7);
    for (const crd of crds) {
      const [plural] = crd.metadata.name.split('.');
      const generated = parse(readFileSync(join(CHART, `files/crds/${plural}.yaml`), 'utf8')) as Rendered;
      expect(crd.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
      expect({ ...crd, metadata: { name: crd.metadata.name } }).toEqual(generated);
    }
  });

  test('notes say what is to be done, and what is missing', async () => {
    const notes = async (...set: string[]) => {
      const { stdout } = await runTool(tools.helm, [
        'install',
        'rolecall',
        CHART,
        '--namespace=acme',
        '--dry-run=client',
        ...set.flatMap((one) => ['--set-json', one]),
      ]);
      return stdout.slice(stdout.indexOf('NOTES:'));
    };
    const plain = await notes();
    expect(plain).toContain('kubectl -n acme create secret generic rolecall-store --from-literal=url=');
    expect(plain).not.toContain('NO ADMISSION POLICIES');
    expect(await notes('admissionPolicies.enabled=false')).toContain('NO ADMISSION POLICIES');
    expect(await notes('admissionPolicies.actions=["Warn"]')).toContain('deny nothing');
    expect(await notes('store.sqlite={"enabled":true}', 'replicas=1')).not.toContain('rolecall-store');
    for (const line of plain.split('\n').filter((one) => !one.startsWith('  ')))
      expect(line.length).toBeLessThan(121);
  });

  const WRONG: readonly (readonly [set: string, word: string])[] = [
    ['replica=2', "additional properties 'replica' not allowed"],
    ['image.name="x"', "'/image'"],
    ['image.repository=""', "'/image/repository'"],
    ['image.digest="sha256:0"', "'/image/digest'"],
    ['image.pullPolicy="Sometimes"', "'/image/pullPolicy'"],
    ['replicas="2"', "'/replicas'"],
    ['replicas=-1', "'/replicas'"],
    ['install="Production"', "'/install'"],
    ['install=""', "'/install'"],
    ['class="a b"', "'/class'"],
    ['watchNamespaces="acme-prod"', "'/watchNamespaces'"],
    ['watchNamespaces=["acme prod"]', "'/watchNamespaces/0'"],
    ['watchNamespaces=["acme","acme"]', "'/watchNamespaces'"],
    ['interval="10"', "'/interval'"],
    ['interval="0m"', "'/interval'"],
    ['interval="1h"', "'/interval'"],
    ['logLevel="trace"', "'/logLevel'"],
    ['store.url="postgres://u:p@h/d"', "'/store'"],
    ['store.secret.name=""', "'/store/secret/name'"],
    ['store.sqlite.size="big"', "'/store/sqlite/size'"],
    ['pepper.secret.key=null', "'/pepper/secret'"],
    ['tokenSecrets.namespaces=["acme-prod"]', "'/tokenSecrets/namespaces/0'"],
    ['tokenSecrets.namespaces=[{"namespace":"acme-prod","names":[]}]', "'/tokenSecrets/namespaces/0/names'"],
    ['crds.keep="yes"', "'/crds/keep'"],
    ['admissionPolicies.actions=["Deny","Warn"]', "'/admissionPolicies/actions'"],
    ['admissionPolicies.actions=[]', "'/admissionPolicies/actions'"],
    ['http.port=70000', "'/http/port'"],
    ['http.metricsReaders=[{"name":"prometheus"}]', "'/http/metricsReaders/0'"],
    ['http.serviceMonitor.interval="soon"', "'/http/serviceMonitor/interval'"],
    ['networkPolicy.store.ports=[]', "'/networkPolicy/store/ports'"],
    ['podAnnotations={"a":1}', "'/podAnnotations/a'"],
    ['extraEnv=[{"name":"IAM_STORE","value":"x"}]', "'/extraEnv/0/name'"],
    ['store.sqlite={"enabled":true}', 'set replicas to 1'],
    ['serviceAccount={"create":false}', 'serviceAccount.name is needed'],
    ['http={"enabled":false,"serviceMonitor":{"enabled":true}}', 'http is not: enable it'],
  ];

  test.each(WRONG)('%s is refused', async (set, word) => {
    const { exit, stdout, stderr } = await template(tools, { set: [set] });
    expect(stderr).toContain(word);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
  });

  test('Secrets in a namespace that is not watched are refused', async () => {
    const set = ['watchNamespaces=["acme-prod"]', 'tokenSecrets.namespaces=[{"namespace":"acme-test"}]'];
    const { exit, stderr } = await template(tools, { set });
    expect(stderr).toContain('tokenSecrets.namespaces: acme-test is not among watchNamespaces');
    expect(exit).toBe(1);
  });

  test('Kubernetes before 1.32 is refused', async () => {
    const { exit, stderr } = await runTool(tools.helm, ['template', 'x', CHART, '--kube-version=1.31.9']);
    expect(stderr).toContain('incompatible with Kubernetes');
    expect(exit).toBe(1);
    expect((await runTool(tools.helm, ['template', 'x', CHART, '--kube-version=1.32.0-eks-1'])).exit).toBe(0);
  });
});

test('each value has a default, and the schema knows it', () => {
  const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Mapping;
  const [document] = parseAllDocuments(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
  expect(document?.errors).toEqual([]);
  expect(differences(schema, values, '')).toEqual([]);
});

type Mapping = Readonly<Record<string, unknown>>;

interface Schema {
  readonly description?: string;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** What only one of the two has, or nothing describes. `global` is Helm's own, `claims` has no default. */
function differences(schema: Schema, values: unknown, path: string): string[] {
  if (schema.properties === undefined) return [];
  const properties = Object.entries(schema.properties).filter(
    ([name]) => name !== 'global' && name !== 'claims',
  );
  const there = values as Mapping;
  return [
    ...(schema.additionalProperties === false ? [] : [`${path} is open`]),
    ...Object.keys(there)
      .filter((name) => !Object.hasOwn(schema.properties ?? {}, name))
      .map((name) => `${path}/${name} is not in the schema`),
    ...properties.flatMap(([name, inner]) => [
      ...(inner.description === undefined ? [`${path}/${name} is not described`] : []),
      ...(Object.hasOwn(there, name)
        ? differences(inner, there[name], `${path}/${name}`)
        : [`${path}/${name} has no default`]),
    ]),
  ];
}

interface Rbac extends Rendered {
  readonly rules: readonly { readonly resources?: readonly string[]; readonly verbs: readonly string[] }[];
}

interface Workload extends Rendered {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext: Mapping;
        readonly volumes: readonly Mapping[];
        readonly containers: readonly {
          readonly securityContext: Mapping;
          readonly resources: { readonly requests: Mapping };
        }[];
      };
    };
  };
}

function find(objects: readonly Rendered[], kind: string): Workload {
  const found = objects.filter((object) => object.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as Workload;
}
