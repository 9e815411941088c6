import { API_VERSION } from '../kinds/index.ts';

export interface StarterFile {
  readonly path: string;
  /** What is in it, in a few words. */
  readonly about: string;
  readonly text: string;
}

/** A small folder of manifests to begin with. `schema` is the path of the JSON Schema, `until` when the guest leaves. */
export function starterFiles({ schema, until }: { readonly schema: string; readonly until: string }): StarterFile[] {
  // Editors read the line above a manifest for that manifest alone.
  const start = `# yaml-language-server: $schema=${schema}\napiVersion: ${API_VERSION}`;
  return [
    {
      path: 'workspace.yaml',
      about: 'a workspace',
      text: `${start}
# A workspace is what people have access to. The first line of each manifest
# gives editors completion and checks. All fields: iam explain workspace
kind: Workspace
metadata:
  name: acme
spec:
  displayName: Acme
  tier: Business # groups, labels and many roles need it
  owners:
    minimum: 1 # a plan that would leave fewer is refused
`,
    },
    {
      path: 'users.yaml',
      about: 'three people',
      text: `${start}
# A person exists once, whatever workspaces he has access to. Being here gives
# nothing yet: bindings.yaml does. All fields: iam explain user
kind: User
metadata:
  name: ana-diaz
spec:
  email: ana@acme.example
  displayName: Ana Díaz
---
${start}
kind: User
metadata:
  name: bo-lee
spec:
  email: bo@acme.example
  displayName: Bo Lee
---
${start}
# A guest: somebody answers for her, and all her access ends by itself.
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
      text: `${start}
# A group is in one workspace; its people get roles together.
# All fields: iam explain group
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
      text: `${start}
# A binding gives a role to people and groups. All fields: iam explain rolebinding
# All roles: iam explain roles
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
${start}
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
