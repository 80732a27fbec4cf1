/** Schemas of objects: OpenAPI v3 with the Kubernetes extensions, for built-in kinds and for custom resources. */
import { builtInSchemas } from './built-in-schemas.js';
import type { Json } from './json.js';

/** One node of a schema; a `$ref` is looked at through {@link resolve}. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly default?: Json;
  readonly nullable?: boolean;
  readonly enum?: readonly Json[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly title?: string;
  readonly description?: string;
  readonly example?: Json;
  readonly externalDocs?: Json;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly Json[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const referencePrefix = '#/components/schemas/';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const objectMetaSchema: Schema = { $ref: `${referencePrefix}${meta}.ObjectMeta` };

const parsed = new Map<string, Schema>();
let kinds: ReadonlyMap<string, string> | undefined;

/** The names of all built-in definitions, as in `io.k8s.api.batch.v1.JobSpec`. */
export function definitionNames(): readonly string[] {
  return Object.keys(builtInSchemas);
}

/** A built-in definition by its name; its references are of the form `#/components/schemas/NAME`. */
export function definition(name: string): Schema | undefined {
  const known = parsed.get(name);
  if (known !== undefined || !Object.hasOwn(builtInSchemas, name)) return known;
  const schema = JSON.parse(builtInSchemas[name] ?? '{}') as Schema;
  parsed.set(name, schema);
  return schema;
}

/** The name of the definition behind a built-in kind; undefined for kinds that are not built in. */
export function definitionNameOf(gvk: GroupVersionKind): string | undefined {
  kinds ??= indexKinds();
  return kinds.get(keyOf(gvk));
}

/** The schema of a built-in kind; undefined for kinds that are not built in. */
export function schemaFor(gvk: GroupVersionKind): Schema | undefined {
  const name = definitionNameOf(gvk);
  return name === undefined ? undefined : { $ref: `${referencePrefix}${name}` };
}

/** Follows references, also those that OpenAPI wraps into `allOf` to give them a default. */
export function resolve(schema: Schema): Schema {
  const name = referenceOf(schema);
  if (name === undefined) return schema;
  const target = definition(name);
  if (target === undefined) throw new Error(`the schema refers to ${name}, which is no built-in definition`);
  return schema.default === undefined ? resolve(target) : { ...resolve(target), default: schema.default };
}

/** The name of the definition that a node refers to directly. */
export function referenceOf({ $ref, allOf }: Schema): string | undefined {
  const only = allOf?.length === 1 ? allOf[0]?.$ref : undefined;
  return ($ref ?? only)?.slice(referencePrefix.length);
}

/**
 * The schema of a whole custom resource: what its definition says of it, with `apiVersion`, `kind` and `metadata`
 * as every object has them.
 */
export function customResourceSchema(openAPIV3Schema: Schema): Schema {
  return embeddedResource({ ...openAPIV3Schema, type: 'object' });
}

/** Adds the fields that every object has; `metadata` is the full ObjectMeta whatever was written there. */
export function embeddedResource(schema: Schema): Schema {
  const common = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: objectMetaSchema };
  return { ...schema, properties: { ...schema.properties, ...common } };
}

/** What a key of an object may hold: a declared property, else what `additionalProperties` says. */
export function propertySchema(schema: Schema, key: string): Schema | undefined {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  if (typeof additionalProperties === 'object') return additionalProperties;
  return additionalProperties === true ? {} : undefined;
}

export function isIntOrString(schema: Schema): boolean {
  return schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string';
}

function indexKinds(): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const name of definitionNames()) {
    if (builtInSchemas[name]?.includes('x-kubernetes-group-version-kind') !== true) continue;
    for (const gvk of definition(name)?.['x-kubernetes-group-version-kind'] ?? [])
      index.set(keyOf(gvk), name);
  }
  return index;
}

function keyOf({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}/${kind}`;
}
