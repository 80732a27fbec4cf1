/** The thread's logger, metrics and Events: what they are told is sent to the main thread, and told there again. */
import type { Events } from '@incumbent/core';
import {
  type Labels,
  Lease,
  type LogFields,
  type Logger,
  type MetricOptions,
  type Metrics,
  codeOf,
  messageOf,
} from '@incumbent/core/client';
import type { Report } from './messages.js';

export type Send = (report: Report) => void;

/** Where reports are told on the main thread. */
export interface Listeners {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly events: Events | undefined;
}

export function reportingLogger(send: Send, fixed: LogFields = {}): Logger {
  const at =
    (level: Exclude<keyof Logger, 'child'>) =>
    (fields: LogFields, message: string): void =>
      send({ kind: 'log', level, fields: { ...fixed, ...plain(fields) }, message });
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => reportingLogger(send, { ...fixed, ...plain(fields) }),
  };
}

export function reportingMetrics(send: Send): Metrics {
  const teller =
    (metric: 'counter' | 'gauge' | 'histogram', options: MetricOptions) =>
    (verb: 'inc' | 'set' | 'add' | 'observe' | 'remove', value: number, labels: Labels = {}): void =>
      send({ kind: 'metric', metric, options, verb, value, labels });
  return {
    counter(options) {
      const tell = teller('counter', options);
      return { inc: (labels, by = 1) => tell('inc', by, labels) };
    },
    gauge(options) {
      const tell = teller('gauge', options);
      return {
        set: (value, labels) => tell('set', value, labels),
        add: (by, labels) => tell('add', by, labels),
        remove: (labels) => tell('remove', 0, labels),
      };
    },
    histogram(options) {
      const tell = teller('histogram', options);
      return { observe: (value, labels) => tell('observe', value, labels) };
    },
  };
}

/** An election's Events are all about its Lease. */
export function reportingEvents(send: Send): Events {
  return {
    recorderFor: (_resource, { metadata }) => {
      const tell =
        (type: 'normal' | 'warning') =>
        (reason: string, note: string): void =>
          send({ kind: 'event', lease: { metadata } as Pick<Lease, 'metadata'>, type, reason, note });
      return { normal: tell('normal'), warning: tell('warning') };
    },
  };
}

export function replay(report: Report, { log, metrics, events }: Listeners): void {
  switch (report.kind) {
    case 'log':
      return log[report.level](report.fields, report.message);
    case 'event':
      return events?.recorderFor(Lease, report.lease)[report.type](report.reason, report.note);
    case 'metric':
      return replayMetric(report, metrics);
  }
}

function replayMetric(
  { metric, options, verb, value, labels }: Extract<Report, { kind: 'metric' }>,
  metrics: Metrics,
): void {
  if (metric === 'counter') return metrics.counter(options).inc(labels, value);
  if (metric === 'histogram') return metrics.histogram(options).observe(value, labels);
  const gauge = metrics.gauge(options);
  if (verb === 'set') gauge.set(value, labels);
  else if (verb === 'add') gauge.add(value, labels);
  else gauge.remove(labels);
}

/** Fields that can be sent: errors by what they say, and nothing that a message can't carry. */
function plain(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) {
    const code = codeOf(value);
    return {
      type: value.name,
      message: value.message,
      stack: value.stack,
      ...(code ? { code } : {}),
    };
  }
  try {
    return structuredClone(value);
  } catch {
    return messageOf(value);
  }
}
