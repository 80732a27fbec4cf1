import type { CustomResourceDefinition } from './built-in.js';
import type { Draft } from './object.js';
import { type CustomResource, type PrinterColumn, qualifiedName } from './resource.js';
import { structuralSchema } from './structural-schema.js';

export type CustomResourceDefinitionDraft = Draft<CustomResourceDefinition>;

type Version = CustomResourceDefinition['spec']['versions'][number];
type Schema = NonNullable<NonNullable<Version['schema']>['openAPIV3Schema']>;

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/**
 * The definition that makes a cluster serve the resource, from its zod schemas. The same input gives the same output, byte for byte.
 *
 * Unknown fields are dropped by the API server, wherever the schema is not a `z.looseObject`.
 *
 * @throws {@link IncumbentError} `SCHEMA_UNSUPPORTED` for what the API server can't check, with the field's path and what to write instead
 */
export function customResourceDefinition(resource: CustomResource): CustomResourceDefinitionDraft {
  const { group, kind, plural, scope, shortNames, categories } = resource;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: qualifiedName(resource) },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
        ...(categories.length > 0 ? { categories: [...categories] } : {}),
      },
      scope,
      versions: [versionOf(resource)],
    },
  };
}

function versionOf(resource: CustomResource): Version {
  const { version, schemas, columns } = resource;
  const hasAge = columns.some(({ name }) => name.toLowerCase() === 'age');
  return {
    name: version,
    served: true,
    storage: true,
    ...(schemas.status ? { subresources: { status: {} } } : {}),
    additionalPrinterColumns: (hasAge ? columns : [...columns, AGE]).map((column) => ({ ...column })),
    schema: { openAPIV3Schema: objectSchema(resource) },
  };
}

function objectSchema({ kind, schemas }: CustomResource): Schema {
  const spec = structuralSchema(schemas.spec, `${kind}.spec`);
  const status = schemas.status ? { status: structuralSchema(schemas.status, `${kind}.status`) } : {};
  return {
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
      ...status,
    },
  } as Schema;
}
