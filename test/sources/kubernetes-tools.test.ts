/** What kustomize, helm and kubectl write is read as it comes: it declares the same as plain manifests. */
import { expect, test } from 'vitest';
import { dedent, temporary, useTemporary } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

useTemporary();

const PLAIN = dedent(`
  apiVersion: rolecall.dev/v1alpha1
  kind: Workspace
  metadata: {name: acme, labels: {stage: production}}
  spec: {displayName: Acme, tier: Business}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: User
  metadata: {name: ana, annotations: {rolecall.dev/protect: "true"}}
  spec: {email: ana@acme.example, displayName: Ana Díaz}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: Group
  metadata: {name: devs, namespace: acme}
  spec: {displayName: Devs, members: [{name: ana, expiresAt: 2027-01-31}]}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: RoleBinding
  metadata: {name: devs-read, namespace: acme}
  spec: {role: source-read-only, subjects: [{kind: Group, name: devs}], resources: [{type: Source, id: website}]}
`);

/** Sorted keys, a namespace on everything, no quotes where YAML needs none. */
const KUSTOMIZE = dedent(`
  apiVersion: rolecall.dev/v1alpha1
  kind: Group
  metadata:
    name: devs
    namespace: acme
  spec:
    displayName: Devs
    members:
    - expiresAt: "2027-01-31"
      name: ana
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: RoleBinding
  metadata:
    name: devs-read
    namespace: acme
  spec:
    resources:
    - id: website
      type: Source
    role: source-read-only
    subjects:
    - kind: Group
      name: devs
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: User
  metadata:
    annotations:
      config.kubernetes.io/origin: |
        path: users.yaml
      rolecall.dev/protect: "true"
    name: ana
    namespace: acme
  spec:
    displayName: Ana Díaz
    email: ana@acme.example
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: Workspace
  metadata:
    labels:
      stage: production
    name: acme
    namespace: acme
  spec:
    displayName: Acme
    tier: Business
`);

/** A comment for each file, documents that a condition left empty, blank lines and white space of loops. */
const HELM = dedent(`
  ---
  # Source: access/templates/workspace.yaml
  # The workspace of this release
  apiVersion: rolecall.dev/v1alpha1
  kind: Workspace
  metadata:
    name: acme
    labels:
      stage: production
  spec:
    displayName: "Acme"
    tier: Business
  ---
  # Source: access/templates/tokens.yaml
  # no tokens in this environment
  ---
  # Source: access/templates/users.yaml
  ---
  # Source: access/templates/users.yaml
  apiVersion: rolecall.dev/v1alpha1
  kind: User
  metadata:
    name: ana
    annotations:
      "rolecall.dev/protect": "true"
      helm.sh/hook-weight: "5"
  spec:
    email: "ana@acme.example"
    displayName: "Ana Díaz"
  ---
  # Source: access/charts/teams/templates/group.yaml
  apiVersion: rolecall.dev/v1alpha1
  kind: Group
  metadata:
    name: devs
    namespace: "acme"
  spec:
    displayName: Devs
    members:

      - name: ana
        expiresAt: 2027-01-31T00:00:00Z

  ---
  # Source: access/charts/teams/templates/binding.yaml
  apiVersion: rolecall.dev/v1alpha1
  kind: RoleBinding
  metadata: {"name":"devs-read","namespace":"acme"}
  spec: {"resources":[{"id":"website","type":"Source"}],"role":"source-read-only","subjects":[{"kind":"Group","name":"devs"}]}


`);

/** Everything that an API server adds, and the status that the operator writes. */
const KUBECTL = dedent(`
  apiVersion: v1
  items:
  - apiVersion: rolecall.dev/v1alpha1
    kind: Workspace
    metadata:
      annotations:
        kubectl.kubernetes.io/last-applied-configuration: |
          {"apiVersion":"rolecall.dev/v1alpha1","kind":"Workspace","metadata":{"annotations":{},"labels":{"stage":"production"},"name":"acme"},"spec":{"displayName":"Acme","tier":"Business"}}
      creationTimestamp: "2026-11-01T09:12:44Z"
      finalizers:
      - rolecall.dev/operator
      generation: 3
      labels:
        stage: production
      managedFields:
      - apiVersion: rolecall.dev/v1alpha1
        fieldsType: FieldsV1
        fieldsV1:
          f:metadata:
            f:annotations:
              .: {}
              f:kubectl.kubernetes.io/last-applied-configuration: {}
          f:spec:
            .: {}
            f:displayName: {}
            f:tier: {}
        manager: kubectl-client-side-apply
        operation: Update
        time: "2026-11-01T09:12:44Z"
      - apiVersion: rolecall.dev/v1alpha1
        fieldsType: FieldsV1
        fieldsV1:
          f:status:
            .: {}
            f:conditions: {}
        manager: rolecall-operator
        operation: Update
        subresource: status
        time: "2026-11-01T09:12:45Z"
      name: acme
      resourceVersion: "812345"
      uid: 0b3f2a54-7f0e-4b52-9f7d-0d4ef2a8a111
    spec:
      displayName: Acme
      guards:
        maxPrivilegedGains: 3
        maxRemovals: 25%
        maxUpdates: 30%
      owners:
        minimum: 1
        required: []
      tier: Business
    status:
      conditions:
      - lastTransitionTime: "2026-11-01T09:12:45Z"
        message: applied in revision 7
        observedGeneration: 3
        reason: Applied
        status: "True"
        type: Ready
      observedGeneration: 3
  - apiVersion: rolecall.dev/v1alpha1
    kind: User
    metadata:
      annotations:
        rolecall.dev/protect: "true"
      creationTimestamp: "2026-11-01T09:12:44Z"
      deletionGracePeriodSeconds: 0
      deletionTimestamp: "2026-11-20T00:00:00Z"
      generation: 1
      name: ana
      ownerReferences:
      - apiVersion: v1
        kind: ConfigMap
        name: people
        uid: 5e0d7c1e-0000-4000-8000-000000000001
      resourceVersion: "812346"
      selfLink: /apis/rolecall.dev/v1alpha1/users/ana
      uid: 0b3f2a54-7f0e-4b52-9f7d-0d4ef2a8a112
    spec:
      displayName: Ana Díaz
      email: ana@acme.example
      identities: []
      type: Human
  - apiVersion: rolecall.dev/v1alpha1
    kind: Group
    metadata:
      creationTimestamp: "2026-11-01T09:12:44Z"
      generation: 1
      name: devs
      namespace: acme
      resourceVersion: "812347"
      uid: 0b3f2a54-7f0e-4b52-9f7d-0d4ef2a8a113
    spec:
      description: ""
      displayName: Devs
      members:
      - expiresAt: "2027-01-31"
        kind: User
        name: ana
    status: {}
  - apiVersion: rolecall.dev/v1alpha1
    kind: RoleBinding
    metadata:
      creationTimestamp: "2026-11-01T09:12:44Z"
      generation: 2
      name: devs-read
      namespace: acme
      resourceVersion: "812348"
      uid: 0b3f2a54-7f0e-4b52-9f7d-0d4ef2a8a114
    spec:
      resources:
      - id: website
        type: Source
      role: source-read-only
      subjects:
      - kind: Group
        name: devs
  kind: List
  metadata:
    resourceVersion: ""
`);

const DROPPED = ['User', 'Workspace'];

test.each([
  ['kustomize build', KUSTOMIZE, DROPPED],
  ['helm template', HELM, []],
  ['kubectl get -o yaml', KUBECTL, []],
])('%s', async (_, text, dropped) => {
  const cwd = temporary({ 'plain.yaml': PLAIN });
  expect(await runIam(['apply', '-f', 'plain.yaml', '--no-snapshot', '-q'], { cwd })).toMatchObject({
    exit: 0,
  });
  const { exit, stdout, stderr } = await runIam(['plan', '-f', '-', '--prune', '--exit-code', '-o', 'json'], {
    cwd,
    stdin: text,
  });
  expect({ exit, summary: (JSON.parse(stdout) as { summary: unknown }).summary }).toEqual({
    exit: 0,
    summary: { create: 0, update: 0, delete: 0, unchanged: 4 },
  });
  // kustomize writes its namespace on global kinds too: that is dropped, with a warning, and the exit is 0.
  const items =
    stderr === ''
      ? []
      : (JSON.parse(stderr) as { items: { code: string; severity: string; message: string }[] }).items;
  expect(items.map(({ code, severity, message }) => [code, severity, message])).toEqual(
    dropped.map((kind) => ['RC123', 'warn', `${kind} is global: its namespace is dropped`]),
  );
});

test('kubectl get -o json, and one object of it', async () => {
  const cwd = temporary({ 'plain.yaml': PLAIN });
  await runIam(['apply', '-f', 'plain.yaml', '--no-snapshot', '-q'], { cwd });
  const list = {
    apiVersion: 'v1',
    items: [
      {
        apiVersion: 'rolecall.dev/v1alpha1',
        kind: 'User',
        metadata: {
          annotations: { 'rolecall.dev/protect': 'true' },
          creationTimestamp: '2026-11-01T09:12:44Z',
          generation: 1,
          name: 'ana',
          resourceVersion: '1',
          uid: 'x',
        },
        spec: { displayName: 'Ana Díaz', email: 'ana@acme.example', type: 'Human' },
        status: { conditions: [] },
      },
    ],
    kind: 'List',
    metadata: { resourceVersion: '' },
  };
  for (const value of [list, list.items[0]]) {
    const { exit, stdout } = await runIam(['plan', '-f', '-', '--exit-code', '-o', 'json'], {
      cwd,
      stdin: JSON.stringify(value, null, 4),
    });
    expect({ exit, summary: (JSON.parse(stdout) as { summary: unknown }).summary }).toEqual({
      exit: 0,
      summary: { create: 0, update: 0, delete: 0, unchanged: 1 },
    });
  }
});

test('1,500 warnings of kustomize are no reason to stop', async () => {
  const users = Array.from(
    { length: 1500 },
    (_, i) =>
      `apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata:\n  name: u${i}\n  namespace: acme\nspec:\n  email: u${i}@acme.example\n`,
  );
  const { exit, stdout } = await runIam(['validate', '-f', '-'], {
    stdin: users.join('---\n'),
    cwd: temporary(),
  });
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'valid: 1,500 resources (1,500 User)\n' });
});
