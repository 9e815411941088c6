import { API_VERSION } from '../kinds/index.ts';
import { dnsLabel } from '../kinds/schema.ts';

const login = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,38}$' } as const;

/** Codes that a comment may override (cli.md: soft). */
export const SOFT_CODES = ['RC201', 'RC202', 'RC204', 'RC211'] as const;

/** `.rolecall/gitops.yaml` as JSON Schema; `schemas/gitops.schema.json` is generated from it. */
export const configSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'GitOps',
  description: 'How pull requests of this repository are planned and applied: .rolecall/gitops.yaml.',
  type: 'object',
  additionalProperties: false,
  required: ['apiVersion', 'kind', 'paths'],
  properties: {
    apiVersion: { const: API_VERSION, description: 'The version of this format.' },
    kind: { const: 'GitOps', description: 'What it is.' },
    paths: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'Files, folders or globs with the manifests, from the root of the repository.',
    },
    prune: {
      type: 'boolean',
      default: false,
      description: 'Whether an apply deletes what this manager has and the manifests do not.',
    },
    manager: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9:._-]{0,62}$',
      default: 'default',
      description: 'Who manages what is applied.',
    },
    people: {
      type: 'object',
      additionalProperties: { ...dnsLabel, description: 'A User.' },
      description: 'Which User somebody is on the forge: login to name.',
    },
    overrides: {
      type: 'object',
      additionalProperties: false,
      description: 'Who may let a refusal pass by a comment: logins, by code.',
      properties: Object.fromEntries(
        SOFT_CODES.map((code) => [
          code,
          { type: 'array', items: login, description: `Who may override ${code}.` },
        ]),
      ),
    },
    environment: {
      type: 'string',
      minLength: 1,
      description: 'The protected environment whose approval lets hard refusals pass.',
    },
    app: {
      type: 'string',
      minLength: 1,
      description: 'The App whose check runs are records of review. Without it a review is not verified.',
    },
  },
} as const;
