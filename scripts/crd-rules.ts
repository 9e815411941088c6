import { CATALOGUE } from '../src/kinds/catalogue.ts';
import type { KindName } from '../src/kinds/index.ts';
import { limit } from '../src/kinds/schema.ts';

/** An entry of x-kubernetes-validations: `rule` is CEL about `self`, the value that it stands at. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly reason?: 'FieldValueRequired' | 'FieldValueForbidden';
  /** From the value that the rule stands at. */
  readonly fieldPath?: string;
}

/** Every name of a resource, and of what is in it, begins with this one. */
export const NAME_RULES: readonly CelRule[] = [
  {
    rule: "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
    message: 'metadata.name must be a DNS label: at most 63 lower-case letters, digits and "-"',
  },
];

/** Of a date or RFC 3339 time that fits its pattern. Four digits are any year, so only days are looked at. */
export const DAY_RULE: CelRule = {
  rule: [
    "!self.matches('^.{5}(02-30|02-31|04-31|06-31|09-31|11-31)')",
    "(!self.matches('^.{5}02-29') || self.matches('^(..(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)'))",
  ].join(' && '),
  message: 'there is no such day',
};

/** Of whatever has notBefore and expiresAt. Compared are milliseconds, as everywhere in Rolecall. */
export const WINDOW_RULE: CelRule = {
  rule: [
    '!has(self.notBefore) || !has(self.expiresAt) || [[self.notBefore, self.expiresAt]',
    ".map(t, timestamp(t.size() == 10 ? t + 'T00:00:00Z' : t.upperAscii()))",
    '.map(t, int(t) * 1000 + t.getMilliseconds())].all(w, w[0] < w[1])',
  ].join(''),
  message: 'expiresAt is not after notBefore: the window is half-open, [notBefore, expiresAt)',
  fieldPath: '.expiresAt',
};

/** Of a limit that is a number or a percentage. */
export const LIMIT_RULE: CelRule = {
  rule: `type(self) == int ? self >= 0 && self <= ${limit.anyOf[0].maximum} : self.matches('${limit.anyOf[1].pattern}')`,
  message: 'must be a number, or a percentage from 0% to 100%',
};

/** Of a mapping whose keys must match. */
export function keysRule(pattern: string): CelRule {
  return { rule: `self.all(key, key.matches(r'${pattern}'))`, message: `each key must match ${pattern}` };
}

/** What `unsafeText` of src/kinds/text.ts refuses. A lone surrogate never gets here: JSON is UTF-8. */
const UNSEEN = String.raw`\p{Zl}\p{Zp}\x{061c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}`;
const SPACE = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const WIDTHLESS = String.raw`\x{ad}\x{200b}-\x{200d}\x{2060}`;

const TEXT: CelRule = {
  rule: String.raw`!self.matches(r'[\p{Cc}${UNSEEN}]')`,
  message: 'has a character that people cannot see: remove it',
};

/** As TEXT, with line breaks. */
const LINES: CelRule = {
  ...TEXT,
  rule: String.raw`!self.matches(r'[\x{00}-\x{09}\x{0b}-\x{1f}\x{7f}-\x{9f}${UNSEEN}]')`,
};

const NAME: readonly CelRule[] = [
  TEXT,
  {
    rule: "!self.contains('; ')",
    message: 'must not contain "; ": the CSV snapshot separates entries with it',
  },
];

const EMAIL: CelRule = {
  rule: String.raw`self.matches(r'^[${SPACE}]*[^${SPACE}\p{Cc}${UNSEEN}${WIDTHLESS}]+[${SPACE}]*$')`,
  message: 'an e-mail address has no spaces, and no characters that people cannot see',
};

/**
 * What the `check` of each Kind says, once more in CEL: by the path of the value, `[]` for each entry of a list, ''
 * for the whole object. That both say the same is tested (test/crds).
 */
export const RULES: Readonly<Record<KindName, Readonly<Record<string, readonly CelRule[]>>>> = {
  Workspace: { 'spec.displayName': NAME },
  User: {
    'spec.email': [EMAIL],
    'spec.displayName': NAME,
    'spec.identities[].provider': [TEXT],
    'spec.identities[].subject': [TEXT],
  },
  Role: {
    '': [
      {
        rule: `!(self.metadata.name in [${[...CATALOGUE.keys()].map((name) => `'${name}'`).join(', ')}])`,
        message: 'is built in and cannot be declared: refer to it as it is',
      },
    ],
    'spec.displayName': NAME,
    'spec.description': [LINES],
    'spec.ownership': [{ rule: '!self', message: 'only the built-in workspace-owner has ownership' }],
  },
  Group: { 'spec.displayName': NAME, 'spec.description': [LINES] },
  Token: {
    'spec.description': [LINES],
    'spec.deliverTo': [
      { rule: 'has(self.file) != has(self.secret)', message: 'needs exactly one of file and secret' },
    ],
    'spec.deliverTo.file': [
      {
        rule: "!self.contains(r'\\') && self.split('/').all(part, !(part in ['', '.', '..']))",
        message:
          'must be a relative path such as ci/deploy: no backslash, and no part that is empty, . or ..',
      },
      TEXT,
    ],
  },
  RoleBinding: {
    'spec.resources': [
      {
        // The size comes first because it costs nothing: 200 ids of 100 characters are within what is allowed.
        rule: `self.all(a, self.exists_one(b, ${[
          '(has(a.id) ? has(b.id) && a.id.size() == b.id.size() && a.id == b.id : !has(b.id))',
          '(has(a.labels) ? has(b.labels) && a.labels == b.labels : !has(b.labels))',
          'a.type == b.type',
        ].join(' && ')}))`,
        message: 'names one of its resources twice: keep one of the two',
      },
    ],
    'spec.resources[]': [
      {
        rule: "self.type != 'Workspace' || !has(self.id)",
        message: 'type Workspace has no id: it is the workspace of the binding',
        reason: 'FieldValueForbidden',
        fieldPath: '.id',
      },
      {
        rule: "self.type == 'Workspace' || !has(self.labels)",
        message: 'labels go with type Workspace only',
        reason: 'FieldValueForbidden',
        fieldPath: '.labels',
      },
      {
        rule: "self.type == 'Workspace' || has(self.id) || has(self.labels)",
        message: 'missing field "id"; for the whole workspace write {type: Workspace}',
        reason: 'FieldValueRequired',
        fieldPath: '.id',
      },
    ],
    'spec.resources[].id': NAME,
    'spec.reason': [LINES],
  },
  AccessPolicy: {
    'spec.match': [
      {
        rule: "self.on != 'Grant' || !has(self.kinds)",
        message: 'kinds goes with on: Change only',
        reason: 'FieldValueForbidden',
        fieldPath: '.kinds',
      },
      {
        rule: "self.on != 'Grant' || !has(self.actions)",
        message: 'actions goes with on: Change only',
        reason: 'FieldValueForbidden',
        fieldPath: '.actions',
      },
      {
        rule: "self.on == 'Grant' || !has(self.roles)",
        message: 'roles goes with on: Grant only',
        reason: 'FieldValueForbidden',
        fieldPath: '.roles',
      },
    ],
    'spec.validations[]': [
      {
        rule: 'has(self.message) || has(self.messageExpression)',
        message: 'missing field "message" (or "messageExpression")',
        reason: 'FieldValueRequired',
        fieldPath: '.message',
      },
      {
        rule: '!has(self.message) || !has(self.messageExpression)',
        message: 'has both message and messageExpression',
      },
    ],
    'spec.validations[].message': [LINES],
  },
};
