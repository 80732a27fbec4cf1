/** The two servers side by side, and what one sequence does to both. */
import { ControlPlane, EmbeddedApiServer } from '@incumbent/testing';
import type { Json } from '../conformance/raw-http.js';
import { RawHttp } from '../conformance/raw-http.js';
import { disagreements } from './difference.js';
import type { Disagreement } from './difference.js';
import { knownDifference } from './known.js';
import { customGroup, widgetDefinition } from './resources.js';
import type { Sequence } from './sequences.js';
import { Side } from './side.js';
import type { Step } from './step.js';

export interface Difference {
  /** The step whose answers differ; later ones, and a name for it, are about what remained after the last. */
  readonly step: number;
  readonly what: string;
  readonly disagreements: readonly Disagreement[];
  /** Why it is not held against the embedded server; undefined if it is. */
  readonly known?: string;
}

export type Answered = (step: Step, status: number) => void;

export class Pair {
  readonly #real: RawHttp;
  readonly #embedded: RawHttp;
  readonly #stop: () => Promise<void>;
  #sequences = 0;

  private constructor(real: RawHttp, embedded: RawHttp, stop: () => Promise<void>) {
    this.#real = real;
    this.#embedded = embedded;
    this.#stop = stop;
  }

  static async start(): Promise<Pair> {
    const controlPlane = await ControlPlane.start();
    // The real one has no controllers either: what they would do comes at no certain time.
    const server = await EmbeddedApiServer.start({ rbac: true, controllers: false });
    const real = new RawHttp(controlPlane.access());
    const embedded = new RawHttp({ url: server.url, token: server.adminToken });
    const pair = new Pair(real, embedded, async () => {
      real.close();
      embedded.close();
      await Promise.all([controlPlane.stop(), server.stop()]);
    });
    await Promise.all([real, embedded].map(defineWidgets));
    return pair;
  }

  /** What the servers first differ in, if they do; both are asked in step, in a namespace of its own. */
  async run(sequence: Sequence, answered: Answered = () => {}): Promise<Difference | undefined> {
    this.#sequences += 1;
    const namespace = `sequence-${this.#sequences}`;
    const [real, embedded] = [new Side(this.#real, namespace), new Side(this.#embedded, namespace)];
    await Promise.all([real.begin(), embedded.begin()]);
    for (const [index, step] of sequence.entries()) {
      const [left, right] = await Promise.all([real.perform(step), embedded.perform(step)]);
      answered(step, left.status);
      const found = differenceOf(index, 'answer', { ...left }, { ...right }, step);
      if (found) return found;
    }
    return compareRemains(real, embedded, sequence);
  }

  async stop(): Promise<void> {
    await this.#stop();
  }
}

async function compareRemains(
  real: Side,
  embedded: Side,
  sequence: Sequence,
): Promise<Difference | undefined> {
  for (const resource of new Set(sequence.map((step) => step.resource))) {
    const states = await Promise.all([real.state(resource), embedded.state(resource)]);
    const [left, right] = states;
    const events = await Promise.all([real.events(resource), embedded.events(resource)]);
    const found =
      differenceOf(sequence.length, `objects: ${resource}`, { ...left }, { ...right }) ??
      differenceOf(sequence.length, `events: ${resource}`, events[0], events[1]);
    if (found) return found;
  }
  return undefined;
}

function differenceOf(
  step: number,
  what: string,
  real: Json,
  embedded: Json,
  asked?: Step,
): Difference | undefined {
  const found = disagreements(real, embedded);
  if (found.length === 0) return undefined;
  const known = asked && knownDifference(asked, found);
  return { step, what, disagreements: found, ...(known === undefined ? {} : { known }) };
}

/** Returns once widgets are served. */
async function defineWidgets(http: RawHttp): Promise<void> {
  const created = await http.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: widgetDefinition,
  });
  if (created.status !== 201) throw new Error(`the widgets were not defined: ${created.text}`);
  const path = `/apis/${customGroup}/v1/widgets`;
  for (let tries = 0; tries < 100; tries += 1) {
    const { status } = await http.call('GET', path);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('widgets are defined, and still not served after 10 s');
}
