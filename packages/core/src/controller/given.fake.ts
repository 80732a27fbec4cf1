/** A controller beside a fake server, for tests. */
import { afterEach } from '@jest/globals';
import { type KubernetesObject, type ObjectMeta } from '../api/object.js';
import { type Resource, resource } from '../api/resource.js';
import { InformerCache } from '../cache/cache.js';
import { Client } from '../client/client.js';
import { type EventRecorder } from '../events/event-recorder.js';
import { type LogFields, type Logger, silentLogger } from '../kit/logger.js';
import { type Labels, type Metrics, noMetrics } from '../kit/metrics.js';
import { seededRandom } from '../kit/seeded-random.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { AuthorityLostError, type Term } from '../leadership/authority.js';
import type { ReconcileContext } from './context.js';
import type { Controller } from './controller.js';
import type { ControllerDefinition } from './definition.js';
import { FakeServer } from './fake-server.fake.js';
import type { Source } from './external-source.js';
import type { ReconcileResult } from './reconciler.js';
import { worksOf } from './works.js';

export interface Widget extends KubernetesObject {
  spec: { size: number };
  status?: { seen: number };
}
export interface Part extends KubernetesObject {
  data: Record<string, string>;
}
export const Widget: Resource<Widget> = resource({ group: 'test.dev', version: 'v1', kind: 'Widget' });
export const Part: Resource<Part> = resource({ group: '', version: 'v1', kind: 'Part' });
export const Other: Resource<Part> = resource({ group: '', version: 'v1', kind: 'Other' });

export const WIDGETS = '/apis/test.dev/v1/namespaces/a/widgets';
export const PARTS = '/api/v1/namespaces/a/parts';
export const FINALIZER = 'test.dev/cleanup';

export class TestTerm implements Term {
  readonly #abort = new AbortController();
  readonly number: number;
  readonly token: string;
  held = true;

  constructor(number: number) {
    this.number = number;
    this.token = String(number);
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  remaining(): number {
    return this.held ? Number.POSITIVE_INFINITY : 0;
  }
  assertHeld(): void {
    if (!this.held) throw new AuthorityLostError('lost');
  }
  mayStillCommit(): () => void {
    return () => {};
  }
  lose(): void {
    this.held = false;
    this.#abort.abort();
  }
  /** Asked to end, while writes still go through. */
  drain(): void {
    this.#abort.abort();
  }
}

export type Reconcile = (object: Widget, context: ReconcileContext) => Promise<ReconcileResult>;

interface Given extends Partial<ControllerDefinition<Widget>> {
  readonly reconcile?: Reconcile;
  readonly cleanup?: Reconcile;
  readonly sources?: readonly Source[];
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A controller beside a fake server, its cache in step, no term running yet. */
export async function given({ reconcile = async () => {}, cleanup, sources = [], ...more }: Given = {}) {
  const clock = new VirtualClock();
  const server = new FakeServer(clock);
  const lines: (LogFields & { level: string; message: string })[] = [];
  const counts = new Map<string, number>();
  const client = new Client(server);
  const cache = new InformerCache({ reader: client, clock, random: seededRandom(1), freeze: true });
  const calls: string[] = [];
  const notes: string[] = [];
  const recorder = (name: string): EventRecorder => ({
    normal: (reason) => notes.push(`${name} ${reason}`),
    warning: (reason, note) => notes.push(`${name} ${reason}: ${note}`),
  });
  const definition: ControllerDefinition<Widget> = {
    name: 'widgets',
    resource: Widget,
    owns: [Part],
    reads: [],
    namespaces: undefined,
    labelSelector: undefined,
    predicate: undefined,
    concurrency: 1,
    reconcileTimeout: undefined,
    reconciler: {
      reconcile: (object, context) => {
        calls.push(object.metadata.name);
        return reconcile(object as Widget, context);
      },
      sources: () => sources,
    },
    finalizer: cleanup && {
      name: FINALIZER,
      cleanup: (object, context) => {
        calls.push(`clean ${object.metadata.name}`);
        return cleanup(object as Widget, context);
      },
    },
    ...more,
  };
  const works = worksOf(definition, {
    client,
    cache,
    clock,
    random: seededRandom(2),
    log: recordingLogger(lines, {}),
    metrics: countingMetrics(counts),
    events: { recorderFor: (_, object) => recorder(object.metadata.name) },
    gracePeriod: 30_000,
  });
  const controller = works[0] as Controller;
  const widget = (name: string, size = 1, meta: Partial<ObjectMeta> = {}): void =>
    server.put(`${WIDGETS}/${name}`, { apiVersion: 'test.dev/v1', kind: 'Widget', spec: { size } }, meta);
  const run = new AbortController();
  stops.push(() => run.abort());
  const start = async (): Promise<void> => {
    void cache.run(run.signal);
    await settle();
  };
  /** Starts a term, and lets it work. */
  const lead = async (number = 1, stopping?: AbortSignal) => {
    const term = new TestTerm(number);
    stops.push(() => term.lose());
    let over = false;
    const done = Promise.all(works.map((each) => each.run(term, stopping))).then(() => (over = true));
    await settle();
    return { term, done, isOver: () => over };
  };
  const notLive = (): string[] => works.flatMap((each) => each.notLive() ?? []);
  return {
    clock,
    server,
    client,
    cache,
    controller,
    notLive,
    calls,
    notes,
    lines,
    counts,
    widget,
    start,
    lead,
  };
}

function recordingLogger(lines: (LogFields & { level: string; message: string })[], base: LogFields): Logger {
  const at = (level: string) => (fields: LogFields, message: string) => {
    lines.push({ ...base, ...fields, level, message });
  };
  return {
    ...silentLogger,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLogger(lines, { ...base, ...fields }),
  };
}

function countingMetrics(counts: Map<string, number>): Metrics {
  const add = (name: string, labels: Labels = {}, by = 1): void => {
    const key = `${name.replace('controller_runtime_', '')}${labels['result'] ? ` ${labels['result']}` : ''}`;
    counts.set(key, (counts.get(key) ?? 0) + by);
  };
  return {
    ...noMetrics,
    counter: ({ name }) => ({ inc: (labels, by) => add(name, labels, by) }),
    gauge: ({ name }) => ({ set: (v) => counts.set(name, v), add: (by, l) => add(name, l, by), remove() {} }),
  };
}

/** A reconcile that ends when it is told. */
export function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
