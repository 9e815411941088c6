/** Mistakes in the expressions of policies: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, docs, useStore } from '../support/bad-input.ts';

useStore();

describe('CEL, at its line and column', () => {
  const policy = (expression: string, on = 'Grant') =>
    `apiVersion: rolecall.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: p}\nspec:\n  match: {on: ${on}}\n  validations:\n    - expression: ${expression}\n      message: m\n`;
  const LINES = ['grant.email == "a" &&', 'grnt.role == "b" &&', 'nw > now'];
  bad(
    'plain: an unknown function, an unknown variable',
    policy('grant.email.endsWth("x") && foo'),
    `
    a.yaml:7:30: error RC118: AccessPolicy p: expression: there is no function "endsWth"
      did you mean "endsWith"?
    a.yaml:7:47: error RC118: AccessPolicy p: expression: there is no variable "foo"
      variables: grant, workspace, user, now`,
  );
  bad(
    'plain, over lines',
    policy(LINES.join('\n        ')),
    `
    a.yaml:8:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'double quotes, with escapes',
    policy('"grant.email == \\"a\\" && \\u0066ooo && x"'),
    `
    a.yaml:7:44: error RC118: AccessPolicy p: expression: there is no variable "fooo"
      variables: grant, workspace, user, now
    a.yaml:7:57: error RC118: AccessPolicy p: expression: there is no variable "x"
      variables: grant, workspace, user, now`,
  );
  bad(
    'double quotes, over lines',
    policy(`"${LINES.join('\n        ').replaceAll('"', '\\"')}"`),
    `
    a.yaml:8:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'double quotes, over lines that a backslash joins',
    policy(`"${LINES.join(' \\\n        ').replaceAll('"', '\\"')}"`),
    `
    a.yaml:8:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'single quotes',
    policy("'grnt.email == ''a'' && x'"),
    `
    a.yaml:7:20: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:7:43: error RC118: AccessPolicy p: expression: there is no variable "x"
      variables: grant, workspace, user, now`,
  );
  bad(
    'single quotes, over lines',
    policy(`'${LINES.join('\n        ').replaceAll('"', "''")}'`),
    `
    a.yaml:8:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'a literal block',
    policy(`|\n        ${LINES.join('\n        ')}`),
    `
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:10:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'a literal block with CR LF',
    policy(`|\n        ${LINES.join('\n        ')}`).replaceAll('\n', '\r\n'),
    `
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:10:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'a literal block with its indentation given',
    policy(`|2-\n        ${LINES.join('\n          ')}`),
    `
    a.yaml:9:11: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:10:11: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'a folded block',
    policy(`>-\n        ${LINES.join('\n        ')}`),
    `
    a.yaml:9:9: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:10:9: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'a folded block with empty and deeper lines',
    policy(`>\n        ${LINES.join('\n\n          ')}`),
    `
    a.yaml:10:11: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?
    a.yaml:12:11: error RC118: AccessPolicy p: expression: there is no variable "nw"
      did you mean "now"?`,
  );
  bad(
    'after characters outside of the basic plane',
    policy('\'"😀é" == grnt.email\''),
    `
    a.yaml:7:29: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?`,
  );
  bad(
    'JSON',
    {
      'a.json': JSON.stringify(
        {
          apiVersion: 'rolecall.dev/v1alpha1',
          kind: 'AccessPolicy',
          metadata: { name: 'p' },
          spec: {
            match: { on: 'Grant' },
            validations: [{ expression: 'grant.email == "a"\n&& grnt', message: 'm' }],
          },
        },
        null,
        2,
      ),
    },
    `
    a.json:13:49: error RC118: AccessPolicy p: expression: there is no variable "grnt"
      did you mean "grant"?`,
  );
  bad(
    'what does not parse',
    docs(
      policy('|\n        grant.email ==\n        && foo'),
      policy('"grant.email =="').replace('name: p', 'name: q'),
      policy('"grant.email == \'a"').replace('name: p', 'name: r'),
      policy('" "').replace('name: p', 'name: s'),
    ),
    `
    a.yaml:8:21: error RC118: AccessPolicy p: expression: does not parse: unexpected =
    a.yaml:18:32: error RC118: AccessPolicy q: expression: does not parse: unexpected =
    a.yaml:27:32: error RC118: AccessPolicy r: expression: does not parse: unexpected =
    a.yaml:36:20: error RC118: AccessPolicy s: expression: does not parse: unexpected end of input`,
  );
  bad(
    'variables of the other kind of match',
    docs(
      policy('grant.email == object.x', 'Change'),
      policy('object.kind == "User"').replace('name: p', 'name: q'),
    ),
    `
    a.yaml:7:19: error RC118: AccessPolicy p: expression: there is no variable "grant"
      variables: object, oldObject, action, workspace
    a.yaml:16:19: error RC118: AccessPolicy q: expression: there is no variable "object"
      variables: grant, workspace, user, now`,
  );
  bad(
    'a message',
    policy('"true"').replace('message: m', 'messageExpression: grant.subject + usr'),
    `
    a.yaml:8:42: error RC118: AccessPolicy p: messageExpression: there is no variable "usr"
      did you mean "user"?`,
  );
});
