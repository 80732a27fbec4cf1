/** Runnables, the log level, spans, dashboards, and resources that are not there: an operator over a server in memory. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { context, type Span, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import pino from 'pino';
import { type KubernetesObject } from '../api/object.js';
import { type Resource, resource } from '../api/resource.js';
import { FakeServer } from '../controller/fake-server.fake.js';
import type { Reconciler } from '../controller/reconciler.js';
import type { RunContext } from '../controller/runnable.js';
import { Controller } from '../decorators/controller.js';
import { Runnable } from '../decorators/runnable.js';
import { aborted } from '../kit/abort.js';
import { type LogFields, type Logger as LoggerPort, silentLogger } from '../kit/logger.js';
import { seededRandom } from '../kit/seeded-random.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { alone } from '../leadership/alone.js';
import { Operator } from './operator.js';
import type { OperatorOptions } from './options.js';

type Widget = KubernetesObject;
const Widget: Resource<Widget> = resource({ group: 'test.dev', version: 'v1', kind: 'Widget' });
const WIDGETS = '/apis/test.dev/v1/namespaces/a/widgets';

let work: () => Promise<void> = async () => {};
let run: (context: RunContext) => Promise<void> = async () => {};

@Controller({ for: Widget })
class WidgetController implements Reconciler<Widget> {
  async reconcile(): Promise<void> {
    await work();
  }
}

@Runnable()
class Janitor implements Runnable {
  async run(given: RunContext): Promise<void> {
    await run(given);
  }
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  work = run = async () => {};
});

function given(options: Partial<OperatorOptions> = {}) {
  const clock = new VirtualClock();
  const server = new FakeServer(clock);
  server.put(`${WIDGETS}/x`, { apiVersion: 'test.dev/v1', kind: 'Widget' });
  const lines: (LogFields & { level: string; message: string })[] = [];
  const operator = new Operator({
    controllers: [WidgetController],
    leadership: alone(),
    connection: server,
    http: { port: 0, host: '127.0.0.1' },
    clock,
    random: seededRandom(1),
    log: recordingLogger(lines),
    ...options,
  });
  const stop = new AbortController();
  let end: 'running' | 'resolved' | Error = 'running';
  const start = async () => {
    const done = operator.run({ signal: stop.signal }).then(
      () => (end = 'resolved'),
      (error: Error) => (end = error),
    );
    ends.push(async () => {
      stop.abort();
      await clock.advance('2m');
      await done;
    });
    await settle();
    await settle();
  };
  return { clock, server, operator, lines, start, stop, end: () => end };
}

function recordingLogger(lines: (LogFields & { level: string; message: string })[]): LoggerPort {
  const write = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, ...fields, message });
  const levels = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  return { ...silentLogger, ...levels, child: () => recordingLogger(lines) };
}

async function ask(operator: Operator, path: string, init?: RequestInit) {
  const answer = await fetch(`http://127.0.0.1:${operator.address?.port}${path}`, init);
  return { status: answer.status, body: await answer.text() };
}

describe('a runnable', () => {
  test('runs while the replica leads, writes under its term, and is awaited when the operator stops', async () => {
    const steps: string[] = [];
    run = async ({ signal, term, client }) => {
      steps.push(`started in term ${term.number}`);
      await aborted(signal);
      await client.patch(Widget, { namespace: 'a', name: 'x' }, { type: 'merge', patch: { swept: true } });
      steps.push('ended');
    };
    const { start, stop, server, clock, end } = given({ runnables: [Janitor] });
    await start();
    expect(steps).toEqual(['started in term 1']);
    stop.abort();
    await clock.advance('1s');
    expect(end()).toBe('resolved');
    expect(steps).toEqual(['started in term 1', 'ended']);
    expect(server.writes).toEqual([`PATCH ${WIDGETS}/x`]);
  });

  test('that throws is started again, later each time; one that returns is done', async () => {
    let calls = 0;
    run = async () => {
      calls += 1;
      if (calls < 3) throw new Error('no');
    };
    const { start, clock, operator } = given({ controllers: [], runnables: [Janitor] });
    await start();
    expect(calls).toBe(1);
    await clock.advance('1.2s');
    expect(calls).toBe(2);
    await clock.advance('1.9s');
    expect(calls).toBe(2);
    await clock.advance('10m');
    expect(calls).toBe(3);
    expect((await ask(operator, '/metrics')).body).toContain(
      'incumbent_runnable_failures_total{runnable="Janitor"} 2',
    );
  });

  test('that ignores its signal makes the process unhealthy after its grace', async () => {
    run = () => new Promise(() => {});
    const { start, stop, clock, operator } = given({ runnables: [Janitor], gracePeriod: '20s' });
    await start();
    stop.abort();
    await clock.advance('19s');
    expect((await ask(operator, '/livez')).status).toBe(200);
    // The term of who is alone lasts for ever, so nobody may take over, and the stop goes on without.
    await clock.advance('1.5s');
    expect(await ask(operator, '/livez').catch(() => 'stopped')).toMatchObject({
      status: 503,
      body: expect.stringMatching(/^Janitor still runs more than 20s after it was told to stop/) as unknown,
    });
  });

  test('is wired with care: undecorated or named twice it is refused', () => {
    class Plain implements Runnable {
      async run(): Promise<void> {}
    }
    @Runnable({ name: 'Janitor' })
    class Other extends Plain {}
    expect(() => given({ runnables: [Plain] })).toThrow(
      'Plain is no runnable: decorate the class with @Runnable',
    );
    expect(() => given({ runnables: [Janitor, Other] })).toThrow('Two runnables are called Janitor');
    expect(() => given({ runnables: [undefined as never] })).toThrow('An entry of `runnables` is undefined');
  });
});

describe('the log level', () => {
  test('is turned while the operator runs, for what logs already too', async () => {
    const { start, operator, lines, server, clock } = given({ logLevel: 'warn' });
    await start();
    expect(lines).toEqual([]);
    operator.logLevel = 'debug';
    server.put(`${WIDGETS}/x`, { apiVersion: 'test.dev/v1', kind: 'Widget', spec: { size: 2 } });
    await clock.advance('1s');
    expect(lines.filter(({ level }) => level === 'debug').map(({ message }) => message)).toContain(
      'reconciled',
    );
  });

  test('is told and turned by HTTP from this machine', async () => {
    const { start, operator } = given({ logLevel: 'info' });
    await start();
    expect(await ask(operator, '/loglevel')).toEqual({ status: 200, body: 'info\n' });
    const put = (body: string) => ask(operator, '/loglevel', { method: 'PUT', body });
    expect(await put('loud')).toMatchObject({
      status: 400,
      body: expect.stringContaining('"loud"') as unknown,
    });
    expect(await put('x'.repeat(2000))).toMatchObject({ status: 413 });
    expect(await put('debug\n')).toEqual({ status: 200, body: 'debug\n' });
    expect(operator.logLevel).toBe('debug');
  });

  test('of a pino logger that was given is where it starts, and can be turned up', async () => {
    const written: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void written.push(line) });
    const { start, operator, clock } = given({ log });
    await start();
    expect([operator.logLevel, written]).toEqual(['warn', []]);
    operator.logLevel = 'info';
    await clock.advance('1s');
    ends.splice(0).forEach((end) => void end());
    await clock.advance('2m');
    expect(written.join('')).toContain('stopping');
  });
});

test('each reconcile is a span that says what it was for, and whether it failed', async () => {
  const spans: { name: string; attributes: unknown; failed: boolean }[] = [];
  trace.setGlobalTracerProvider({ getTracer: () => recordingTracer(spans) });
  ends.push(async () => trace.disable());
  work = async () => {
    throw new Error('no');
  };
  const { start } = given();
  await start();
  expect(spans[0]).toEqual({
    name: 'reconcile WidgetController',
    attributes: {
      'incumbent.controller': 'WidgetController',
      'incumbent.step': 'reconcile',
      'incumbent.term': 1,
      'k8s.namespace.name': 'a',
      'k8s.object.kind': 'Widget',
      'k8s.object.name': 'x',
    },
    failed: true,
  });
});

function recordingTracer(spans: { name: string; attributes: unknown; failed: boolean }[]): Tracer {
  const startActiveSpan = (
    name: string,
    { attributes }: { attributes: unknown },
    task: (span: Span) => unknown,
  ) => {
    const entry = { name, attributes, failed: false };
    const span = {
      recordException: () => {},
      setStatus: ({ code }: { code: SpanStatusCode }) => (entry.failed = code === SpanStatusCode.ERROR),
      end: () => spans.push(entry),
    };
    return context.with(context.active(), () => task(span as unknown as Span));
  };
  return { startActiveSpan } as unknown as Tracer;
}

describe('dashboards', () => {
  // What kubebuilder's Grafana plugin asks for; job, namespace, pod and instance come from the scrape.
  test.each<[metric: string, labels: string[]]>([
    ['controller_runtime_active_workers', ['controller']],
    ['controller_runtime_reconcile_total', ['controller', 'result']],
    ['controller_runtime_reconcile_errors_total', ['controller']],
    ['workqueue_depth', ['name', 'controller']],
    ['workqueue_queue_duration_seconds_bucket', ['name', 'le']],
    ['workqueue_adds_total', ['name']],
    ['workqueue_unfinished_work_seconds', ['name']],
    ['workqueue_work_duration_seconds_bucket', ['name', 'le']],
    ['workqueue_retries_total', ['name']],
    ['process_cpu_seconds_total', []],
    ['process_resident_memory_bytes', []],
    ['controller_runtime_reconcile_time_seconds_bucket', ['controller', 'le']],
    ['controller_runtime_max_concurrent_reconciles', ['controller']],
    ['controller_runtime_terminal_reconcile_errors_total', ['controller']],
    ['controller_runtime_reconcile_panics_total', ['controller']],
    ['workqueue_longest_running_processor_seconds', ['name']],
  ])('find %s with the labels %j', async (metric, labels) => {
    work = async () => {
      throw new Error('once');
    };
    const { start, operator, clock } = given();
    await start();
    await clock.advance('1s');
    const { body } = await ask(operator, '/metrics');
    const series = body
      .split('\n')
      .find((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
    for (const label of labels) expect(series).toContain(`${label}="`);
    expect(series).toMatch(/ \d/);
  });
});

describe('a kind that the server does not serve', () => {
  const ABSENT = { code: 404, reason: 'NotFound' };

  test('fails the start with a sentence that names the controller and the definition', async () => {
    const { start, server, end } = given();
    server.intercept = ({ path }) => (path === '/apis/test.dev/v1' ? ABSENT : undefined);
    await start();
    expect(end()).toMatchObject({
      code: 'RESOURCE_ABSENT',
      message:
        "WidgetController reconciles Widget, but the server does not serve widgets.test.dev in version v1: install its CustomResourceDefinition. Or give `absentResources: 'wait'` to wait for it.",
    });
    expect(server.openWatches).toBe(0);
  });

  test('is waited for where that is asked for, not ready meanwhile', async () => {
    const { start, server, operator, clock } = given({ absentResources: 'wait' });
    let calls = 0;
    work = async () => void (calls += 1);
    server.intercept = ({ path }) => (path === '/apis/test.dev/v1' ? ABSENT : undefined);
    await start();
    expect(await ask(operator, '/readyz')).toMatchObject({
      status: 503,
      body: expect.stringContaining('does not serve widgets.test.dev') as unknown,
    });
    server.intercept = () => undefined;
    await clock.advance('1.3s');
    expect((await ask(operator, '/readyz')).status).toBe(200);
    expect(calls).toBe(1);
  });

  test('can be stopped while it is waited for', async () => {
    const { start, server, stop, end, clock } = given({ absentResources: 'wait' });
    server.intercept = () => ABSENT;
    await start();
    stop.abort();
    await clock.advance('1s');
    expect(end()).toBe('resolved');
    expect(clock.pending).toBe(0);
  });
});
