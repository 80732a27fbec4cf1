/** One server's side of a sequence: fills in what only it knows, and remembers what it answered. */
import type { Json, JsonObject, RawAnswer, RawHttp, WatchedEvent } from '../conformance/raw-http.js';
import { isObject } from './changes.js';
import { Normaliser } from './normalise.js';
import { goodObject, pathOf, resourceOf } from './resources.js';
import { placeholders } from './step.js';
import type { Step } from './step.js';

interface Known {
  readonly uid: string;
  readonly versions: readonly string[];
}

/** What is compared of an answer. */
export interface Outcome {
  readonly status: number;
  readonly contentType: string;
  readonly warning: string;
  readonly body: Json;
}

/** Created after the sequence: the watch is over when it appears. */
const marker = 'zz-end';
const plainUid = '00000000-0000-4000-8000-000000000000';
const plainVersion = '1';

export class Side {
  readonly #http: RawHttp;
  readonly #namespace: string;
  readonly #normaliser: Normaliser;
  readonly #known = new Map<string, Known>();
  readonly #continueTokens = new Map<string, string>();
  readonly #generated = new Map<string, string>();
  #beginning = '';
  #steps = 0;

  constructor(http: RawHttp, namespace: string) {
    this.#http = http;
    this.#namespace = namespace;
    this.#normaliser = new Normaliser();
  }

  async begin(): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.#namespace } };
    const answer = await this.#http.call('POST', '/api/v1/namespaces', { body });
    if (answer.status !== 201) throw new Error(`no namespace for a sequence: ${answer.text}`);
    this.#beginning = textOf(answer.body['metadata'], 'resourceVersion');
  }

  async perform(step: Step): Promise<Outcome> {
    this.#steps += 1;
    const { method, resource, subresource, contentType, body } = step;
    const name = this.#fill(step, step.name) as string;
    const search = new URLSearchParams(this.#fill(step, step.query) as Record<string, string>).toString();
    const path = pathOf(this.#namespace, resource, name, subresource);
    const answer = await this.#http.call(method, search === '' ? path : `${path}?${search}`, {
      ...(contentType === undefined ? {} : { contentType }),
      ...(body === undefined ? {} : { body: this.#fill(step, body) }),
    });
    this.#remember(step, answer);
    return this.#outcome(answer);
  }

  /** All objects of the resource as they are now. */
  async state(resource: string): Promise<Outcome> {
    return this.#outcome(await this.#http.call('GET', pathOf(this.#namespace, resource)));
  }

  /** Everything that a watch from before the sequence tells. */
  async events(resource: string): Promise<Json> {
    const body = goodObject(resourceOf(resource), marker);
    const created = await this.#http.call('POST', pathOf(this.#namespace, resource), { body });
    if (created.status !== 201) throw new Error(`no end for a watch: ${created.text}`);
    const path = pathOf(this.#namespace, resource);
    const watch = await this.#http.openWatch(
      `${path}?watch=1&resourceVersion=${this.#beginning}&timeoutSeconds=60`,
    );
    try {
      const events: Json[] = [];
      for (;;) {
        const [event] = await watch.next(1);
        if (!event || isEnd(event)) return events;
        events.push({ type: event.type, object: this.#normaliser.body(event.object) });
      }
    } finally {
      watch.close();
    }
  }

  #outcome({ status, headers, body, text }: RawAnswer): Outcome {
    const contentType = headers['content-type'] ?? '';
    const json = contentType.startsWith('application/json');
    return {
      status,
      contentType,
      warning: String(headers['warning'] ?? ''),
      body: json ? this.#normaliser.body(body) : text,
    };
  }

  #remember({ resource, query }: Step, { status, body }: RawAnswer): void {
    const { metadata } = body;
    if (status >= 300 || !isObject(metadata)) return;
    const token = textOf(metadata, 'continue');
    if (token !== '') this.#continueTokens.set(resource, token);
    const name = textOf(metadata, 'name');
    const version = textOf(metadata, 'resourceVersion');
    if (name === '' || version === '' || query['dryRun'] !== undefined) return;
    if (name.startsWith('gen-')) this.#generated.set(resource, name);
    const key = `${resource}/${name}`;
    const versions = this.#known.get(key)?.versions ?? [];
    const next = versions.at(-1) === version ? versions : [...versions, version];
    this.#known.set(key, { uid: textOf(metadata, 'uid'), versions: next });
  }

  /** A prefix for names gets the number of the step, so that several generated names sort alike on both servers. */
  #fill(step: Step, value: Json): Json {
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.#fill(step, item));
    if (isObject(value)) {
      const filled = Object.entries(value).map(([key, below]) => [key, this.#fill(step, below ?? null)]);
      return Object.fromEntries(filled) as JsonObject;
    }
    return typeof value === 'string' ? this.#fillText(step, value) : value;
  }

  #fillText({ resource, name }: Step, text: string): string {
    const generated = this.#generated.get(resource) ?? 'gen-none';
    const known = this.#known.get(`${resource}/${name === placeholders.generatedName ? generated : name}`);
    switch (text) {
      case placeholders.version:
        return known?.versions.at(-1) ?? plainVersion;
      case placeholders.staleVersion:
        return known?.versions.at(-2) ?? plainVersion;
      case placeholders.uid:
        return known?.uid ?? plainUid;
      case placeholders.continueToken:
        return this.#continueTokens.get(resource) ?? '';
      case placeholders.generatedName:
        return generated;
      case 'gen-':
      case 'Bad_z':
        return `${text}${String.fromCharCode(97 + (this.#steps % 26))}-`;
      default:
        return text;
    }
  }
}

function isEnd({ object }: WatchedEvent): boolean {
  return textOf(object['metadata'], 'name') === marker;
}

function textOf(object: Json | undefined, key: string): string {
  const value = isObject(object) ? object[key] : undefined;
  return typeof value === 'string' ? value : '';
}
