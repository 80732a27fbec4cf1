import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { customResourceDefinition } from './crd.js';
import { defineResource } from './resource.js';
import { structuralSchema } from './structural-schema.js';

const Backup = () =>
  defineResource({
    group: 'backup.example.com',
    version: 'v1',
    kind: 'Backup',
    shortNames: ['bk'],
    categories: ['all'],
    columns: [{ name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' }],
    spec: z.object({
      schedule: z.string().describe('cron expression, UTC'),
      keep: z.int().min(1).default(7),
      deletionPolicy: z.enum(['Retain', 'Delete']).default('Retain'),
    }),
    status: z.object({ lastBackup: z.iso.datetime().optional() }),
  });

test('a definition has everything that the cluster needs, and the same text each time', () => {
  const definition = customResourceDefinition(Backup());
  expect(JSON.stringify(customResourceDefinition(Backup()))).toBe(JSON.stringify(definition));
  expect(definition).toEqual({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'backups.backup.example.com' },
    spec: {
      group: 'backup.example.com',
      scope: 'Namespaced',
      names: {
        kind: 'Backup',
        listKind: 'BackupList',
        plural: 'backups',
        singular: 'backup',
        shortNames: ['bk'],
        categories: ['all'],
      },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: {
                  type: 'object',
                  required: ['schedule'],
                  properties: {
                    schedule: { type: 'string', description: 'cron expression, UTC' },
                    keep: { type: 'integer', minimum: 1, default: 7 },
                    deletionPolicy: { type: 'string', enum: ['Retain', 'Delete'], default: 'Retain' },
                  },
                },
                status: {
                  type: 'object',
                  properties: { lastBackup: { type: 'string', format: 'date-time' } },
                },
              },
            },
          },
        },
      ],
    },
  });
});

test('without a status there is no status subresource; a column called Age is not doubled', () => {
  const age = { name: 'AGE', type: 'date', jsonPath: '.spec.since' } as const;
  const Plain = defineResource({
    group: 'a.dev',
    version: 'v1',
    kind: 'Plain',
    spec: z.object({}),
    columns: [age],
  });
  const [version] = customResourceDefinition(Plain).spec.versions;
  expect(version).not.toHaveProperty('subresources');
  expect(version?.additionalPrinterColumns).toEqual([age]);
});

describe('a schema becomes structural', () => {
  const validations = [{ rule: 'self > 0' }];

  test.each([
    [
      'strict',
      z.strictObject({ a: z.string() }),
      { type: 'object', required: ['a'], properties: { a: { type: 'string' } } },
    ],
    [
      'loose',
      z.looseObject({}),
      { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true },
    ],
    ['record', z.record(z.string(), z.int()), { type: 'object', additionalProperties: { type: 'integer' } }],
    ['anything', z.unknown(), { 'x-kubernetes-preserve-unknown-fields': true }],
    ['nullable', z.string().nullable(), { type: 'string', nullable: true }],
    [
      'null among literals',
      z.union([z.literal('a'), z.null()]),
      { type: 'string', enum: ['a'], nullable: true },
    ],
    ['literals', z.union([z.literal('a'), z.literal('b')]), { type: 'string', enum: ['a', 'b'] }],
    [
      'integer or string',
      z.union([z.int(), z.string()]).describe('port'),
      { 'x-kubernetes-int-or-string': true, description: 'port' },
    ],
    ['bounded', z.number().gt(0).max(1), { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1 }],
    ['large', z.int32(), { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }],
    ['a known format', z.uuid(), { type: 'string', format: 'uuid' }],
    ['an unknown format', z.string().startsWith('a'), { type: 'string', pattern: '^a.*' }],
    [
      'two patterns',
      z.string().regex(/^a/).regex(/b$/),
      { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
    ],
    [
      'a list',
      z.array(z.string().min(1)).max(3),
      { type: 'array', maxItems: 3, items: { type: 'string', minLength: 1 } },
    ],
    [
      'extensions',
      z.int().meta({ 'x-kubernetes-validations': validations }),
      { type: 'integer', 'x-kubernetes-validations': validations },
    ],
    ['nothing else', z.string().meta({ examples: ['x'], deprecated: true }), { type: 'string' }],
  ])('%s', (_, schema, expected) => {
    expect(structuralSchema(schema, 'Spec')).toEqual(expected);
  });
});

describe('what the API server could not check is refused, with the path of the field', () => {
  interface Tree {
    children: Tree[];
  }
  const tree: z.ZodType<Tree> = z.object({ children: z.lazy(() => z.array(tree)) });

  test.each([
    ['union', z.union([z.object({ a: z.string() }), z.string()]), "Backup.spec.field can't be part"],
    [
      'discriminated',
      z.discriminatedUnion('t', [z.object({ t: z.literal('a') }), z.object({ t: z.literal('b') })]),
      'of unions only',
    ],
    ['tuple', z.tuple([z.string()]), 'tuples'],
    ['date', z.date(), "zod can't express it"],
    ['recursive', tree, "zod can't express it"],
    ['look-ahead', z.string().regex(/^(?!x)/), 'looks around'],
    ['nested', z.array(z.object({ deep: z.tuple([z.int()]) })), 'Backup.spec.field[].deep'],
  ])('%s', (_, field, sentence) => {
    const make = () => structuralSchema(z.object({ field }), 'Backup.spec');
    expect(make).toThrow(sentence);
    expect(make).toThrow(expect.objectContaining({ code: 'SCHEMA_UNSUPPORTED' }) as unknown as Error);
  });
});
