import { describe, expect, test } from '@jest/globals';
import { ReconcileTrace } from '../controller/reconcile-trace.js';
import { type LogFields, silentLogger } from '../kit/logger.js';
import { noMetrics } from '../kit/metrics.js';
import { VirtualClock } from '../kit/virtual-clock.js';
import { EventLoopWatch } from './event-loop-watch.js';
import { resolveOperatorOptions } from './options.js';

function given({ warnFrom = 1000 } = {}) {
  const clock = new VirtualClock();
  const trace = new ReconcileTrace(clock);
  const warnings: { fields: LogFields; message: string }[] = [];
  const delays: number[] = [];
  let busy = 0;
  const watch = new EventLoopWatch({
    clock,
    trace,
    warnFrom,
    busy: () => busy,
    log: { ...silentLogger, warn: (fields, message) => warnings.push({ fields, message }) },
    metrics: { ...noMetrics, histogram: () => ({ observe: (seconds) => delays.push(seconds) }) },
  }).start();
  /** Computes for so long without letting anything else run. */
  const compute = (ms: number): void => {
    clock.stall(ms);
    busy += ms;
  };
  /** A turn of the loop after which every timer that is due has fired. */
  const turn = () => clock.advance('250ms');
  return { clock, trace, watch, warnings, delays, compute, turn };
}

describe('a blocked event loop', () => {
  test('is measured, and told with the reconcile that blocked it, although that has ended by then', async () => {
    const { trace, warnings, delays, compute, turn } = given();
    await turn();
    const call = trace.start('BackupController', 'default/big');
    compute(20_000);
    call.returned();
    call.ended();
    await turn();
    expect(Math.max(...delays)).toBeCloseTo(19.75, 1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.fields).toMatchObject({
      controller: 'BackupController',
      key: 'default/big',
      ms: 19_750,
    });
    expect(warnings[0]?.message).toMatch(
      /^The event loop was blocked for 19.8s by the reconcile of default\/big by BackupController\. .*worker thread.*thread: "worker"/,
    );
  });

  test('is certain of a call that kept it for its first stretch, however many others were waiting', async () => {
    const { trace, warnings, compute, turn } = given();
    trace.start('Waiting', 'default/a').returned();
    await turn();
    const call = trace.start('Computing', 'default/b');
    compute(5000);
    call.returned();
    await turn();
    expect(warnings[0]?.fields).toMatchObject({ controller: 'Computing', key: 'default/b' });
  });

  test('names all that were under way when any of them may have been it, and blames none by a field', async () => {
    const { trace, warnings, compute, turn } = given();
    const calls = ['a', 'b'].map((name) => trace.start('Controller', `default/${name}`));
    for (const call of calls) call.returned();
    const over = trace.start('Over', 'default/c');
    await turn();
    over.ended();
    await turn();
    compute(5000);
    calls[0]?.ended();
    await turn();
    expect(warnings[0]?.message).toMatch(
      /while these reconciles were under way, one of which may have done it: default\/b by Controller, default\/a by Controller\./,
    );
    expect(warnings[0]?.fields).not.toHaveProperty('controller');
  });

  test('says so when it was no reconcile', async () => {
    const { warnings, compute, turn } = given();
    compute(5000);
    await turn();
    expect(warnings[0]?.message).toContain('by something else in this process');
  });

  test('is told once for a run of delays, again when it gets twice as bad, and anew after a calm', async () => {
    const { clock, warnings, compute, turn } = given();
    for (const ms of [2000, 2000, 3000]) {
      compute(ms);
      await turn();
    }
    expect(warnings).toHaveLength(1);
    compute(8000);
    await turn();
    expect(warnings).toHaveLength(2);
    await clock.advance('11s');
    compute(2000);
    await turn();
    expect(warnings).toHaveLength(3);
  });

  test('is not confused with a process that was paused while it waited', async () => {
    const { clock, warnings, turn } = given();
    clock.stall('20s');
    await turn();
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The process stood still for 19.8s, not by its own work/),
    ]);
  });

  test('is only warned of from the threshold on', async () => {
    const { warnings, compute, turn } = given({ warnFrom: 30_000 });
    compute(20_000);
    await turn();
    expect(warnings).toHaveLength(0);
  });

  test('leaves no timer behind when the watch ends', async () => {
    const { clock, watch, turn } = given();
    await turn();
    watch[Symbol.dispose]();
    expect(clock.pending).toBe(0);
  });
});

test('the threshold is a second unless given, and `false` turns the measuring off', () => {
  const options = { controllers: [class {} as never], leadership: () => ({}) as never };
  expect(resolveOperatorOptions(options).eventLoopWarning).toBe(1000);
  expect(resolveOperatorOptions({ ...options, eventLoopWarning: '3s' }).eventLoopWarning).toBe(3000);
  expect(resolveOperatorOptions({ ...options, eventLoopWarning: false }).eventLoopWarning).toBe(Infinity);
});
