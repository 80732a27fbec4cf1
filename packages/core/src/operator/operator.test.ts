import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import { ContainerModule, inject } from 'inversify';
import { BehaviorSubject } from 'rxjs';
import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import { type Resource, resource } from '../api/resource.js';
import { InformerCache } from '../cache/cache.js';
import { Client } from '../client/client.js';
import type { ReconcileContext } from '../controller/context.js';
import { FakeServer } from '../controller/fake-server.fake.js';
import type { Reconciler } from '../controller/reconciler.js';
import { Controller, type ReconcilerClass } from '../decorators/controller.js';
import { aborted } from '../kit/abort.js';
import { type LogFields, type Logger as LoggerPort, silentLogger } from '../kit/logger.js';
import { seededRandom } from '../kit/seeded-random.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { alone } from '../leadership/alone.js';
import type { Term } from '../leadership/authority.js';
import type { Leadership, LeadershipState } from '../leadership/leadership.js';
import { Operator } from './operator.js';
import type { OperatorOptions } from './options.js';
import { listenToSignals } from './signals.js';
import { stopInOrder } from './stages.js';
import { Clock, Logger } from './tokens.js';

interface Widget extends KubernetesObject {
  spec: { size: number };
}
const Widget: Resource<Widget> = resource({ group: 'test.dev', version: 'v1', kind: 'Widget' });
const WIDGETS = '/apis/test.dev/v1/namespaces/a/widgets';
const EVENTS = '/api/v1/namespaces/a/events';

/** What reconcilers of this file do, and what they were called for. */
const calls: string[] = [];
let work: (object: DeepReadonly<Widget>, context: ReconcileContext) => Promise<void> = async () => {};

@Controller({ for: Widget })
class WidgetController implements Reconciler<Widget> {
  async reconcile(widget: Widget, context: ReconcileContext): Promise<void> {
    calls.push(widget.metadata.name);
    await work(widget, context);
  }
}

@Controller({ for: Widget, on: 'every-replica' })
class Everywhere implements Reconciler<Widget> {
  async reconcile(widget: Widget): Promise<void> {
    calls.push(`everywhere ${widget.metadata.name}`);
  }
}

/** Leads when it is told to. */
class Told implements Leadership {
  readonly state$ = new BehaviorSubject<LeadershipState>({
    phase: 'following',
    identity: 'me',
    leader: 'other',
    term: 3,
  });
  readonly steps: string[] = [];
  fault: string | undefined;
  lead: ((term: Term) => Promise<void>) | undefined;
  fail: (error: Error) => void = () => {};

  async run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    this.lead = lead;
    this.steps.push('campaign');
    const failure = new Promise<never>((_, reject) => (this.fail = reject));
    await Promise.race([aborted(signal), failure]);
    this.steps.push('released');
  }
  notReady(): string | undefined {
    return this.fault && `not ready: ${this.fault}`;
  }
  notLive(): string | undefined {
    return this.fault && `not live: ${this.fault}`;
  }
}

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  calls.length = 0;
  work = async () => {};
});

function given(options: Partial<OperatorOptions> = {}) {
  const clock = new VirtualClock();
  const server = new FakeServer(clock);
  const lines: (LogFields & { message: string })[] = [];
  server.put(`${WIDGETS}/x`, { apiVersion: 'test.dev/v1', kind: 'Widget', spec: { size: 1 } });
  const operator = new Operator({
    controllers: [WidgetController],
    leadership: alone(),
    connection: server,
    http: false,
    clock,
    random: seededRandom(1),
    log: recordingLogger(lines, {}),
    ...options,
  });
  const stop = new AbortController();
  const start = async () => {
    let end: 'running' | 'resolved' | Error = 'running';
    const done = operator.run({ signal: stop.signal }).then(
      () => (end = 'resolved'),
      (error: Error) => (end = error),
    );
    stops.push(async () => {
      stop.abort();
      await clock.advance('2m');
      await done;
    });
    await settle();
    await settle();
    return { end: () => end };
  };
  const stages = () => lines.map(({ message }) => message).filter((m) => /^(not )?stopped.*: /.test(m));
  return { clock, server, operator, lines, start, stop, stages };
}

function recordingLogger(lines: (LogFields & { message: string })[], base: LogFields): LoggerPort {
  const write = (fields: LogFields, message: string) => void lines.push({ ...base, ...fields, message });
  const levels = { debug: write, info: write, warn: write, error: write };
  return { ...silentLogger, ...levels, child: (fields) => recordingLogger(lines, { ...base, ...fields }) };
}

async function get(operator: Operator, path: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(`http://127.0.0.1:${operator.address?.port}${path}`);
  return { status: answer.status, body: await answer.text() };
}

const LOCAL = { port: 0, host: '127.0.0.1' };

test('an operator that is alone reconciles, records Events, and stops in order, releasing after the work has ended', async () => {
  work = async (_, { events, term }) => events.normal('Seen', `seen in term ${term.number}`);
  const { server, start, stop, stages, clock } = given();
  const { end } = await start();
  expect(calls).toEqual(['x']);
  stop.abort();
  await clock.advance('1s');
  expect(end()).toBe('resolved');
  expect(stages().map((line) => line.replace('stopped: ', ''))).toEqual([
    'intake',
    'reconciles',
    'leadership',
    'events',
    'caches',
    'services',
    'servers',
    'connection',
  ]);
  expect(server.openWatches).toBe(0);
  expect(clock.pending).toBe(0);
  expect(server.where(EVENTS)).toEqual([
    expect.objectContaining({
      involvedObject: expect.objectContaining({ kind: 'Widget', name: 'x', namespace: 'a' }) as unknown,
      type: 'Normal',
      reason: 'Seen',
      message: 'seen in term 1',
      count: 1,
      reportingComponent: 'WidgetController',
    }),
  ]);
});

test('a connection that was given stays open', async () => {
  const { server, start, stop } = given();
  await start();
  stop.abort();
  await settle();
  expect(server.closed).toBe(false);
});

test('work that runs when the operator stops is told, may still write, and is awaited before the release', async () => {
  const told = new Told();
  work = async (_, { signal, client, key }) => {
    await aborted(signal);
    await client.patch(Widget, key, { type: 'merge', patch: { spec: { size: 2 } } });
    told.steps.push('wrote');
  };
  const { start, stop, server } = given({ leadership: () => told });
  const { end } = await start();
  const term = new AbortController();
  let givenUp = false;
  const lead = told.lead?.({
    number: 4,
    token: '4',
    signal: term.signal,
    remaining: () => 1000,
    assertHeld() {},
    mayStillCommit: () => () => {},
  });
  void lead?.then(() => (givenUp = true));
  await settle();
  stop.abort();
  await settle();
  expect(told.steps).toEqual(['campaign', 'wrote', 'released']);
  expect(server.writes).toEqual([`PATCH ${WIDGETS}/x`]);
  // Who holds the term decides when it ends: before it was asked to, it is not given up.
  expect(givenUp).toBe(false);
  term.abort();
  await lead;
  expect(end()).toBe('resolved');
});

test('work that ignores its signal keeps nobody from stopping, once its grace is over; meanwhile health says so', async () => {
  let finish = (): void => {};
  work = () => new Promise((resolve) => (finish = resolve));
  const { start, stop, stages, clock, operator } = given({ gracePeriod: '3s', http: LOCAL });
  const { end } = await start();
  const port = operator.address?.port;
  stop.abort();
  await clock.advance('2.9s');
  expect(stages()).toEqual(['stopped: intake']);
  expect(await get(operator, '/readyz')).toEqual({ status: 503, body: 'The operator is stopping.\n' });
  await clock.advance('99ms');
  expect((await get(operator, '/livez')).status).toBe(200);
  clock.stall('1ms');
  expect(await get(operator, '/livez')).toMatchObject({
    status: 503,
    body: expect.stringMatching(/a\/x still runs/) as unknown,
  });
  await clock.advance('1s');
  expect(stages()[1]).toBe('not stopped in time: reconciles. Going on without.');
  await clock.advance('10s');
  expect(end()).toBe('resolved');
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
  finish();
});

test('a stage that fails is told of, and the next one begins', async () => {
  const lines: (LogFields & { message: string })[] = [];
  const done: string[] = [];
  const fail = () => {
    throw new Error('no');
  };
  const stages = [
    { name: 'one', grace: 10, stop: fail },
    { name: 'two', grace: 10, stop: () => void done.push('two') },
  ];
  await stopInOrder(stages, new VirtualClock(), recordingLogger(lines, {}));
  expect(done).toEqual(['two']);
  expect(lines.map(({ message }) => message)).toEqual([
    'stopping failed: one. Going on without.',
    'stopped: two',
  ]);
});

describe('a follower', () => {
  test('keeps its caches warm, reconciles nothing, and is ready', async () => {
    const told = new Told();
    const { start, server, operator } = given({ leadership: () => told, http: LOCAL });
    await start();
    expect(server.openWatches).toBe(1);
    expect(calls).toEqual([]);
    expect(await get(operator, '/readyz')).toEqual({ status: 200, body: 'ok\n' });
    expect(await get(operator, '/livez')).toEqual({ status: 200, body: 'ok\n' });
  });

  test('runs controllers that are for every replica', async () => {
    const { start } = given({ leadership: () => new Told(), controllers: [WidgetController, Everywhere] });
    await start();
    expect(calls).toEqual(['everywhere x']);
  });

  test('shows who leads', async () => {
    const { start, operator } = given({ leadership: () => new Told() });
    const seen: (string | undefined)[] = [];
    operator.leadership$.subscribe(({ leader }) => seen.push(leader));
    await start();
    expect(seen).toEqual(['other']);
  });
});

describe('health', () => {
  test('a cache that is not in step is not ready, and says why; it leads nobody', async () => {
    const told = new Told();
    const { start, server, operator, clock } = given({ leadership: () => told, http: LOCAL });
    server.intercept = () => ({ code: 403, reason: 'Forbidden' });
    const { end } = await start();
    const ready = await get(operator, '/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body).toMatch(/^Not in step yet: widgets\.test\.dev: .*list/);
    expect(await get(operator, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
    expect(told.steps).toEqual([]);
    await clock.advance('2m');
    expect(end()).toMatchObject({ code: 'CACHE_SYNC_TIMEOUT' });
  });

  test('the leadership has its say', async () => {
    const told = new Told();
    const { start, operator } = given({ leadership: () => told, http: LOCAL });
    await start();
    told.fault = 'lease unread';
    expect(await get(operator, '/readyz')).toEqual({ status: 503, body: 'not ready: lease unread\n' });
    expect(await get(operator, '/healthz')).toEqual({ status: 503, body: 'not live: lease unread\n' });
  });

  test('metrics carry the names of controller-runtime', async () => {
    const { start, operator } = given({ http: LOCAL });
    await start();
    const { body } = await get(operator, '/metrics');
    for (const line of [
      'controller_runtime_reconcile_total{controller="WidgetController",result="success"} 1',
      'controller_runtime_reconcile_errors_total{controller="WidgetController"} 0',
      'controller_runtime_terminal_reconcile_errors_total{controller="WidgetController"} 0',
      'controller_runtime_reconcile_panics_total{controller="WidgetController"} 0',
      'controller_runtime_max_concurrent_reconciles{controller="WidgetController"} 1',
      'controller_runtime_active_workers{controller="WidgetController"} 0',
      'controller_runtime_reconcile_time_seconds_count{controller="WidgetController"} 1',
    ])
      expect(body).toContain(line);
    expect(body).toMatch(/^workqueue_adds_total\{.*controller="WidgetController".*\} 1$/m);
    expect(body).toMatch(/^process_cpu_seconds_total \d/m);
  });

  test('other paths and methods get an answer too', async () => {
    const { start, operator } = given({ http: LOCAL });
    await start();
    expect((await get(operator, '/constructor')).status).toBe(404);
    const post = await fetch(`http://127.0.0.1:${operator.address?.port}/healthz`, { method: 'POST' });
    expect(post.status).toBe(405);
  });

  test('a port that is taken is told of, and nothing is left behind', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const { start, server } = given({ http: { port, host: '127.0.0.1' } });
    const { end } = await start();
    await new Promise((resolve) => blocker.close(resolve));
    await settle();
    expect(end()).toMatchObject({ code: 'HTTP_LISTEN' });
    expect(String(end())).toMatch(`port ${port} of 127.0.0.1: the port is taken`);
    expect(server.openWatches).toBe(0);
  });
});

describe('what fails while it runs', () => {
  test('a leadership that fails stops the operator in order, which then rejects with its error', async () => {
    const told = new Told();
    const { start, stages, clock } = given({ leadership: () => told });
    const { end } = await start();
    told.fail(new Error('no more'));
    await clock.advance('1s');
    expect(end()).toMatchObject({ message: 'no more' });
    expect(stages()).toHaveLength(8);
  });

  test('a leadership that ends by itself is an error', async () => {
    const { start, clock } = given({
      leadership: () => Object.assign(new Told(), { run: async () => {} }),
    });
    const { end } = await start();
    await clock.advance('1s');
    expect(end()).toMatchObject({ code: 'LEADERSHIP_ENDED' });
  });

  test('told to stop before or while it starts, it stops', async () => {
    const early = given();
    early.stop.abort();
    let requests = 0;
    early.server.intercept = () => void requests++;
    expect((await early.start()).end()).toBe('resolved');
    expect(requests).toBe(0);
    const late = given();
    late.server.intercept = () => ({ code: 500, reason: 'InternalError' });
    const { end } = await late.start();
    late.stop.abort();
    await late.clock.advance('1s');
    expect(end()).toBe('resolved');
  });

  test('it runs once', async () => {
    const { start, operator } = given();
    await start();
    await expect(operator.run()).rejects.toMatchObject({ code: 'OPERATOR_RAN' });
  });
});

describe('wiring that cannot work is told before anything starts, in a sentence that names the controller', () => {
  class Undecorated implements Reconciler<Widget> {
    async reconcile(): Promise<void> {}
  }
  @Controller({ for: undefined as never })
  class WithoutFor implements Reconciler<Widget> {
    async reconcile(): Promise<void> {}
  }
  @Controller({ for: Widget, name: 'WidgetController' })
  class SameName implements Reconciler<Widget> {
    async reconcile(): Promise<void> {}
  }
  const missing = undefined as never;

  test.each<[string, Partial<OperatorOptions>, string]>([
    [
      'not decorated',
      { controllers: [Undecorated] },
      'Undecorated is no controller: decorate the class with @Controller',
    ],
    ['no kind', { controllers: [WithoutFor] }, 'WithoutFor has no `for`'],
    [
      'one name twice',
      { controllers: [WidgetController, SameName] },
      'Two controllers are called WidgetController',
    ],
    ['a hole', { controllers: [missing] }, 'An entry of `controllers` is undefined'],
    ['none', { controllers: [] }, '`controllers` and `runnables` are empty'],
    [
      'no leadership',
      { leadership: missing },
      '`leadership` is missing: give leaderElection({ ... }), or alone()',
    ],
    ['no namespace', { namespaces: [] }, '`namespaces` is empty'],
    ['no duration', { gracePeriod: 'soon' as never }, '"soon" is not a duration'],
  ])('%s', (_, options, sentence) => {
    expect(() => given(options)).toThrow(sentence);
  });

  test('a missing injection', async () => {
    class Archive {}
    @Controller({ for: Widget })
    class NeedsArchive implements Reconciler<Widget> {
      constructor(@inject(Archive) readonly archive: Archive) {}
      async reconcile(): Promise<void> {}
    }
    const { start, server, lines } = given({ controllers: [NeedsArchive] });
    const { end } = await start();
    expect(end()).toMatchObject({ code: 'CONTROLLER_UNRESOLVED' });
    expect(String(end())).toMatch(
      /NeedsArchive can't be made: .*Archive.* Bind what its constructor asks for/,
    );
    expect([server.openWatches, lines]).toEqual([0, []]);
  });
});

test("a constructor gets what modules bind, the operator's own parts, and a logger with the controller's name", async () => {
  const seen: unknown[] = [];
  class Archive {}
  @Controller({ for: Widget, name: 'archiver' })
  class Archiver implements Reconciler<Widget> {
    constructor(
      @inject(Archive) archive: Archive,
      @inject(Client) client: Client,
      @inject(InformerCache) cache: InformerCache,
      @inject(Clock) clock: Clock,
      @inject(Logger) log: Logger,
    ) {
      seen.push(archive instanceof Archive, client instanceof Client, cache instanceof InformerCache, clock);
      log.info({}, 'made');
    }
    async reconcile(): Promise<void> {}
  }
  const controllers: ReconcilerClass[] = [Archiver];
  const modules = [new ContainerModule(({ bind }) => void bind(Archive).toConstantValue(new Archive()))];
  const { start, lines, clock } = given({ controllers, modules });
  await start();
  expect(seen).toEqual([true, true, true, clock]);
  expect(lines).toContainEqual({ controller: 'archiver', message: 'made' });
});

test('two operators in one process share nothing: not metrics, not names, not their end', async () => {
  const one = given({ http: LOCAL });
  const two = given({ http: LOCAL });
  await one.start();
  const { end } = await two.start();
  one.stop.abort();
  await one.clock.advance('1s');
  expect(end()).toBe('running');
  const { body } = await get(two.operator, '/metrics');
  expect(body).toContain(
    'controller_runtime_reconcile_total{controller="WidgetController",result="success"} 1',
  );
});

describe('signals', () => {
  const SIGNAL = 'SIGUSR2';

  test('the first one stops; afterwards they have their default effect again', () => {
    const seen: string[] = [];
    const before = process.listenerCount(SIGNAL);
    using _ = listenToSignals({ signals: [SIGNAL], onFirst: (signal) => seen.push(signal) });
    process.emit(SIGNAL, SIGNAL);
    expect(seen).toEqual([SIGNAL]);
    expect(process.listenerCount(SIGNAL)).toBe(before);
  });

  test('the second one goes to who asked for it; nobody listens after the end', () => {
    const seen: string[] = [];
    const before = process.listenerCount(SIGNAL);
    {
      using _ = listenToSignals({
        signals: [SIGNAL],
        onFirst: () => seen.push('first'),
        onSecond: () => seen.push('second'),
      });
      process.emit(SIGNAL, SIGNAL);
      process.emit(SIGNAL, SIGNAL);
    }
    expect(seen).toEqual(['first', 'second']);
    expect(process.listenerCount(SIGNAL)).toBe(before);
  });
});
