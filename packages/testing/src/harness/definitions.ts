/** Custom resource definitions: created, and waited for until their resources are served. */
import type { Access } from '../control-plane/access.js';
import { TestServerError } from '../control-plane/error.js';
import { ask, get } from './api.js';
import { eventually } from './eventually.js';

/** A CustomResourceDefinition, as `customResourceDefinition()` of `@incumbent/core` makes it, or as it is written in YAML. */
export interface Definition {
  readonly metadata: { readonly name?: string | undefined };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}

interface Stored {
  readonly metadata: { readonly resourceVersion: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const collection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const TIMEOUT = 30_000;

/**
 * Creates the definition, or replaces it, and resolves when requests for its resources are answered.
 *
 * @throws {@link TestServerError} `TEST_ENVIRONMENT_REFUSED`, or `DEFINITION_NAMES` when another definition has taken its names
 */
export async function install(admin: Access, definition: Definition): Promise<void> {
  await write(admin, definition);
  await eventually(() => assertServed(admin, definition), {
    what: `${definition.metadata.name} to be established and served`,
    timeout: TIMEOUT,
  });
}

async function write(admin: Access, definition: Definition): Promise<void> {
  const body = { ...definition, apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  if (await ask(admin, { method: 'POST', path: collection, body, unless: [409] })) return;
  const path = `${collection}/${definition.metadata.name}`;
  const { resourceVersion } = (await get<Stored>(admin, path)).metadata;
  const replacement = { ...body, metadata: { ...definition.metadata, resourceVersion } };
  await ask(admin, { method: 'PUT', path, body: replacement });
}

/** The real server takes a moment from the condition to the first answer, so both are looked at. */
async function assertServed(admin: Access, { metadata, spec }: Definition): Promise<void> {
  const { status } = await get<Stored>(admin, `${collection}/${metadata.name}`);
  const find = (type: string): Condition | undefined => status?.conditions?.find((one) => one.type === type);
  if (find('Established')?.status !== 'True') throw notYet(find('NamesAccepted'));
  for (const { name } of spec.versions.filter(({ served }) => served))
    await get(admin, `/apis/${spec.group}/${name}/${spec.names.plural}?limit=1`);
}

function notYet(names: Condition | undefined): TestServerError {
  const why = names?.status === 'False' ? `: ${names.message}` : '';
  return new TestServerError('DEFINITION_NAMES', `The definition is not established${why}.`);
}
