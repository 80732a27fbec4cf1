/** Which form of an object a client accepts: the object, its metadata, or a Table row. */
import { failure, notAcceptable } from '../object/status.js';

export type Form = 'object' | 'metadata' | 'table';

const served = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The first form in the header that can be served; JSON is also what YAML readers get, being valid YAML.
 *
 * @throws StatusError 406
 */
export function negotiate(
  accept: string | undefined,
  { streams = false }: { readonly streams?: boolean } = {},
): Form {
  if (accept === undefined || accept.trim() === '') return 'object';
  const wanted = parseAccept(accept);
  for (const media of wanted) {
    const form = formOf(media);
    if (form !== undefined) return form;
  }
  throw wanted.some((media) => media.parameters.has('as'))
    ? notAcceptable(served)
    : noRepresentation(streams);
}

/** Whether a client that reads JSON as well would rather have YAML. */
export function prefersYaml(accept: string | undefined): boolean {
  if (accept?.includes('yaml') !== true) return false;
  const first = parseAccept(accept).find(({ type }) => served.includes(type) || type === '*/*');
  return first?.type === 'application/yaml';
}

function formOf({ type, parameters }: MediaType): Form | undefined {
  if (!['application/json', 'application/yaml', '*/*'].includes(type)) return undefined;
  const as = parameters.get('as');
  if (as === undefined) return 'object';
  if (parameters.get('g') !== 'meta.k8s.io' || !/^v1(beta1)?$/.test(parameters.get('v') ?? ''))
    return undefined;
  if (as === 'Table') return 'table';
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? 'metadata' : undefined;
}

export function parseAccept(accept: string): readonly MediaType[] {
  const parsed = accept.split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = new Map(rest.map((piece) => splitParameter(piece)));
    return { type: type.toLowerCase(), parameters };
  });
  const weight = ({ parameters }: MediaType): number => Number(parameters.get('q') ?? 1);
  return parsed.sort((a, b) => weight(b) - weight(a));
}

function splitParameter(piece: string): readonly [string, string] {
  const at = piece.indexOf('=');
  return at < 0 ? [piece, ''] : [piece.slice(0, at), piece.slice(at + 1)];
}

const streamed = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

function noRepresentation(streams: boolean) {
  return failure({
    code: 406,
    reason: 'NotAcceptable',
    message: `406: Not Acceptable\n\nAvailable representations: ${[...served, ...(streams ? streamed : [])].join(', ')}`,
    details: {},
  });
}
