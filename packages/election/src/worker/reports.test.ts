import { expect, test } from '@jest/globals';
import type { Events } from '@incumbent/core';
import { IncumbentError, Lease, type Metrics, silentLogger } from '@incumbent/core/client';
import type { Report } from './messages.js';
import { replay, reportingEvents, reportingLogger, reportingMetrics } from './reports.js';

/** What is told on one thread, and what comes of it on the other. */
function given() {
  const told: unknown[] = [];
  const tell =
    (...what: unknown[]) =>
    (...rest: unknown[]): void =>
      void told.push([...what, ...rest]);
  const metrics: Metrics = {
    counter: ({ name }) => ({ inc: tell(name, 'inc') }),
    gauge: ({ name }) => ({ set: tell(name, 'set'), add: tell(name, 'add'), remove: tell(name, 'remove') }),
    histogram: ({ name }) => ({ observe: tell(name, 'observe') }),
  };
  const events: Events = {
    recorderFor: (resource, { metadata }) => ({
      normal: tell(resource.kind, metadata.name, 'normal'),
      warning: tell(resource.kind, metadata.name, 'warning'),
    }),
  };
  const log = { ...silentLogger, warn: tell('warn'), info: tell('info') };
  const send = (report: Report): void => replay(structuredClone(report), { log, metrics, events });
  return { told, send };
}

test('log lines arrive with their level, the fields of their logger, and errors by what they say', () => {
  const { told, send } = given();
  const log = reportingLogger(send).child({ lease: 'a/b' });
  log.warn({ err: new IncumbentError('NO_WAY', 'No way.'), odd: () => 1 }, 'failed');
  log.info({ term: 3 }, 'fine');
  expect(told).toEqual([
    [
      'warn',
      {
        lease: 'a/b',
        err: { type: 'IncumbentError', message: 'No way.', code: 'NO_WAY', stack: expect.any(String) },
        odd: expect.any(String),
      },
      'failed',
    ],
    ['info', { lease: 'a/b', term: 3 }, 'fine'],
  ]);
});

test('metrics of each kind and Events arrive as they were told', () => {
  const { told, send } = given();
  const metrics = reportingMetrics(send);
  metrics.counter({ name: 'c', help: '' }).inc({ a: '1' });
  const gauge = metrics.gauge({ name: 'g', help: '' });
  gauge.set(2);
  gauge.add(-1, { a: '1' });
  gauge.remove({ a: '1' });
  metrics.histogram({ name: 'h', help: '' }).observe(0.5, { a: '1' });
  const lease = { metadata: { name: 'x', namespace: 'y', uid: 'u', resourceVersion: '1' } } as Lease;
  reportingEvents(send).recorderFor(Lease, lease).normal('LeaderElection', 'a became leader');
  expect(told).toEqual([
    ['c', 'inc', { a: '1' }, 1],
    ['g', 'set', 2, {}],
    ['g', 'add', -1, { a: '1' }],
    ['g', 'remove', { a: '1' }],
    ['h', 'observe', 0.5, { a: '1' }],
    ['Lease', 'x', 'normal', 'LeaderElection', 'a became leader'],
  ]);
});
