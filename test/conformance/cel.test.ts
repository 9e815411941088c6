import { readFileSync, writeFileSync } from 'node:fs';
import {
  type CelInput,
  celEnv,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  parse,
  plan,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import type { SimpleTest } from '@bufbuild/cel-spec/cel/expr/conformance/test/simple_pb.js';
import type { Value } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import { getTestRegistry } from '@bufbuild/cel-spec/testdata/registry.js';
import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { toJson } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';

/**
 * The evaluator held by the tests of the CEL specification (github.com/google/cel-spec, tests/simple), as the npm package
 * of the specification has them. `cel-failures.txt` has those that it is known to fail: this fails when one more fails,
 * and when one less does. UPDATE_GOLDEN=1 rewrites it: read the difference.
 */
const PINNED = new URL('./cel-failures.txt', import.meta.url);

/** Extensions that the environment of policies does not have. */
const LEFT_OUT = [
  'bindings_ext',
  'block_ext',
  'encoders_ext',
  'math_ext',
  'optionals',
  'proto2_ext',
  'unknowns',
];

const registry = getTestRegistry();

test('the tests of the specification fail where they are known to, and nowhere else', {
  timeout: 120_000,
}, () => {
  const failures: string[] = [];
  let count = 0;
  for (const { path, original } of testsOf(getConformanceSuite())) {
    if (original.checkOnly || LEFT_OUT.some((suite) => path.startsWith(`${suite}/`))) continue;
    count++;
    if (!passes(original)) failures.push(path);
  }
  const text = `${failures.sort().join('\n')}\n`;
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PINNED, text);
  expect(count).toBeGreaterThan(1500);
  expect(text).toBe(readFileSync(PINNED, 'utf8'));
});

function* testsOf(
  suite: IncrementalTestSuite,
  above = '',
): Generator<{ path: string; original: SimpleTest }> {
  for (const [i, { original, name }] of suite.tests.entries())
    yield {
      path: `${above}${name}${suite.tests.findIndex((one) => one.name === name) < i ? `#${i}` : ''}`,
      original,
    };
  for (const inner of suite.suites) yield* testsOf(inner, `${above}${inner.name}/`);
}

function passes({ expr, container, bindings, resultMatcher }: SimpleTest): boolean {
  const expected =
    resultMatcher.case === 'typedResult'
      ? resultMatcher.value.result
      : resultMatcher.case === 'value'
        ? resultMatcher.value
        : undefined;
  try {
    const env = celEnv({ namespace: container, registry, funcs: strings });
    const values: Record<string, CelInput> = {};
    for (const [name, { kind }] of Object.entries(bindings))
      if (kind.case === 'value') values[name] = inputOf(kind.value);
    const result: unknown = plan(env, parse(expr))(values);
    if (isCelError(result)) return wantsError(resultMatcher.case);
    if (wantsError(resultMatcher.case)) return false;
    return describe(result) === (expected ? describeValue(expected) : 'true');
  } catch {
    // A plan may throw where the specification wants an error at any time.
    return wantsError(resultMatcher.case);
  }
}

function wantsError(matcher: string | undefined): boolean {
  return matcher === 'evalError' || matcher === 'anyEvalErrors';
}

function inputOf({ kind }: Value): CelInput {
  switch (kind.case) {
    case 'uint64Value':
      return celUint(kind.value);
    case 'objectValue':
      return (anyUnpack(kind.value, registry) ?? null) as CelInput;
    case 'listValue':
      return kind.value.values.map(inputOf);
    case 'mapValue':
      return new Map(
        kind.value.entries.map(({ key, value }) => [
          (key ? inputOf(key) : null) as string,
          value ? inputOf(value) : null,
        ]),
      );
    case 'enumValue':
      return BigInt(kind.value.value);
    case 'nullValue':
    case 'typeValue':
    case undefined:
      return null;
    default:
      return kind.value;
  }
}

/** A value with its type, the same text for what the specification holds to be the same. */
function describe(value: unknown): string {
  if (typeof value === 'bigint') return `int ${value}`;
  if (isCelUint(value)) return `uint ${value.value}`;
  if (typeof value === 'number') return `double ${Object.is(value, -0) ? 0 : value}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (isCelType(value)) return `type ${value.name}`;
  if (isCelList(value)) return `[${[...value].map(describe).join(', ')}]`;
  if (isCelMap(value))
    return `{${[...value]
      .map(([key, one]) => `${describe(key)}: ${describe(one)}`)
      .sort()
      .join(', ')}}`;
  if (isReflectMessage(value))
    return `${value.desc.typeName} ${JSON.stringify(toJson(value.desc, value.message, { registry }))}`;
  return JSON.stringify(value);
}

function describeValue({ kind }: Value): string {
  switch (kind.case) {
    case 'int64Value':
      return `int ${kind.value}`;
    case 'uint64Value':
      return `uint ${kind.value}`;
    case 'doubleValue':
      return describe(kind.value);
    case 'bytesValue':
      return describe(kind.value);
    case 'enumValue':
      return `int ${kind.value.value}`;
    case 'typeValue':
      return `type ${kind.value}`;
    case 'listValue':
      return `[${kind.value.values.map(describeValue).join(', ')}]`;
    case 'mapValue':
      return `{${kind.value.entries
        .map(({ key, value }) => `${key ? describeValue(key) : ''}: ${value ? describeValue(value) : ''}`)
        .sort()
        .join(', ')}}`;
    case 'objectValue': {
      const message = anyUnpack(kind.value, registry);
      const desc = message && registry.getMessage(message.$typeName);
      return desc ? `${desc.typeName} ${JSON.stringify(toJson(desc, message, { registry }))}` : 'unknown';
    }
    case 'nullValue':
    case undefined:
      return 'null';
    default:
      return JSON.stringify(kind.value);
  }
}
