import { API_VERSION } from '../kinds/index.ts';

export interface StarterFile {
  readonly path: string;
  /** What is in it, in a few words. */
  readonly about: string;
  readonly text: string;
}

/** A small folder of manifests to begin with. `schema` is the path of the JSON Schema, `until` when the guest leaves. */
export function starterFiles({
  schema,
  until,
}: {
  readonly schema: string;
  readonly until: string;
}): StarterFile[] {
  // Editors read this line for the manifest below it alone.
  const forEditors = `# yaml-language-server: $schema=${schema}`;
  const version = `apiVersion: ${API_VERSION}`;
  return [
    {
      path: 'workspace.yaml',
      about: 'a workspace',
      text: `${forEditors}
# The line above gives editors completion and checks. After an update of iam:
#   iam explain -o json > ${schema}
#
# A workspace is what people have access to. All fields: iam explain workspace
${version}
kind: Workspace
metadata:
  name: acme
spec:
  displayName: Acme
  tier: Business # groups, labels and many roles need it
  owners:
    minimum: 1 # a plan that leaves fewer owners is refused
`,
    },
    {
      path: 'users.yaml',
      about: 'three people',
      text: `${forEditors}
# A person exists once, and may have access to several workspaces. Being here
# gives nothing yet: bindings.yaml does. All fields: iam explain user
${version}
kind: User
metadata:
  name: ana-diaz
spec:
  email: ana@acme.example
  displayName: Ana Díaz
---
${forEditors}
${version}
kind: User
metadata:
  name: bo-lee
spec:
  email: bo@acme.example
  displayName: Bo Lee
---
${forEditors}
# A guest: somebody answers for this one, and all access ends by itself.
${version}
kind: User
metadata:
  name: kim-roth
spec:
  email: kim@studio.example
  displayName: Kim Roth
  sponsor: ana-diaz
  expiresAt: ${until} # 00:00 UTC of that day
`,
    },
    {
      path: 'groups.yaml',
      about: 'a group of two',
      text: `${forEditors}
# A group is in one workspace; its people get roles together.
# All fields: iam explain group
${version}
kind: Group
metadata:
  name: analysts
  namespace: acme # the workspace
spec:
  displayName: Analysts
  description: Read the sources of the website
  members:
    - name: bo-lee
    - name: kim-roth
`,
    },
    {
      path: 'bindings.yaml',
      about: 'who has which role, on what',
      text: `${forEditors}
# A binding gives a role to people, groups and tokens of a workspace.
# All fields: iam explain rolebinding. All roles: iam explain roles
${version}
kind: RoleBinding
metadata:
  name: owners
  namespace: acme
spec:
  role: workspace-owner
  subjects:
    - name: ana-diaz
  resources:
    - type: Workspace # all of it, present and future
---
${forEditors}
${version}
kind: RoleBinding
metadata:
  name: analysts-read-website
  namespace: acme
spec:
  role: source-read-only
  subjects:
    - kind: Group
      name: analysts
  resources: # on any of these
    - type: Source
      id: website
    - type: Workspace # only what is labelled so
      labels: {environment: production}
  reason: Weekly report
`,
    },
  ];
}
