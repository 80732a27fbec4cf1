import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RequestError } from '../api/errors.js';
import { IncumbentError } from '../kit/error.js';
import type { LogFields, Logger } from '../kit/logger.js';
import { silentLogger } from '../kit/logger.js';
import type { Labels, Metrics } from '../kit/metrics.js';
import { seededRandom } from '../kit/seeded-random.js';
import { VirtualClock, settle } from '../kit/virtual-clock.js';
import { Call, type Caller } from './call.js';
import { CongestionWindow } from './congestion-window.js';
import type { HttpRequest, HttpResponse } from './exchange.js';
import { authority } from './given-server.fake.js';
import { RateLimit } from './rate-limit.js';
import { Telemetry } from './telemetry.js';

type Step = HttpResponse | Error | Promise<HttpResponse>;

const IDENTITY = { headers: {}, tls: {} };
const GET = { method: 'GET', path: '/x', timeout: 30_000 } as const;
const PUT = { method: 'PUT', path: '/x', timeout: 30_000 } as const;

function answer(status: number, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, body: (async function* () {})(), text: () => Promise.resolve('') };
}

const busy = (seconds = '1') => answer(429, { 'retry-after': seconds });

function failure(code: string, sent: boolean): RequestError {
  return new RequestError('REQUEST_FAILED', code, sent, { cause: Object.assign(new Error(code), { code }) });
}

/** A caller over a virtual clock, to whose requests these are the answers, the last one for ever. */
function given(
  steps: readonly Step[] | ((request: HttpRequest) => Step),
  parts: { rate?: RateLimit; patient?: boolean; replace?: boolean } = {},
) {
  const clock = new VirtualClock();
  const sent: { readonly at: number; readonly request: HttpRequest }[] = [];
  const closing = new AbortController();
  const telemetry = new Telemetry('server', clock);
  const log: string[] = [];
  const counted: string[] = [];
  telemetry.observe({ log: logger(log), metrics: counting(counted) });
  const window = new CongestionWindow(16, (size) => telemetry.congested(size));
  const caller: Caller = {
    clock,
    random: seededRandom(7),
    telemetry,
    closing: closing.signal,
    patience: parts.patient === false ? undefined : { window, rate: parts.rate },
    identify: () => IDENTITY,
    replace: () => Promise.resolve(parts.replace ?? false),
    exchange: async (request) => {
      const step =
        typeof steps === 'function' ? steps(request) : steps[Math.min(sent.length, steps.length - 1)];
      request.authority?.assertHeld();
      sent.push({ at: clock.monotonic(), request });
      if (step instanceof Error) throw step;
      return step as HttpResponse;
    },
  };
  const call = (request: HttpRequest) => new Call(request, caller).run();
  return { clock, sent, closing, window, log, counted, call };
}

function logger(lines: string[]): Logger {
  const line = (_: LogFields, message: string): void => void lines.push(message);
  return { ...silentLogger, warn: line, info: line };
}

function counting(counted: string[]): Metrics {
  const note = (name: string, labels: Labels = {}) =>
    counted.push(`${name} ${Object.values(labels).join(' ')}`);
  return {
    counter: ({ name }) => ({ inc: (labels) => note(name, labels) }),
    gauge: () => ({ set: () => {}, add: () => {}, remove: () => {} }),
    histogram: ({ name }) => ({ observe: (_, labels) => note(name, labels) }),
  };
}

/** What came of a call, once it is over. */
function outcomeOf(call: Promise<HttpResponse>) {
  const outcome: { status?: number; error?: IncumbentError } = {};
  call.then(
    ({ status }) => (outcome.status = status),
    (error: IncumbentError) => (outcome.error = error),
  );
  return outcome;
}

describe('a request is sent again', () => {
  test.each([
    ['a GET that got 429 with Retry-After', GET, busy()],
    ['a write that got 429 with Retry-After: it was turned away at the door', PUT, busy()],
    ['a GET that got 503 with Retry-After', GET, answer(503, { 'retry-after': '1' })],
    ['a GET whose connection was cut before an answer', GET, failure('UND_ERR_SOCKET', true)],
    ['a GET on a socket that had died while idle', GET, failure('ECONNRESET', true)],
    ['a write that was refused the connection', PUT, failure('ECONNREFUSED', false)],
    ['a write whose connection was cut in the handshake', PUT, failure('ECONNRESET', false)],
    ['the opening of a watch', { ...GET, stream: true }, busy()],
  ])('%s', async (_, request, first) => {
    const { call, clock, sent } = given([first, answer(200)]);
    const outcome = outcomeOf(call(request));
    await clock.advance('2s');
    expect(outcome).toEqual({ status: 200 });
    expect(sent).toHaveLength(2);
  });

  test.each([
    [
      'a write that got 500 with Retry-After: it may have taken effect',
      PUT,
      answer(500, { 'retry-after': '1' }),
    ],
    ['a write whose connection was cut after it was sent', PUT, failure('ECONNRESET', true)],
    ['a GET that got 500 without Retry-After', GET, answer(500)],
    ['429 without Retry-After, as of a disruption budget', PUT, answer(429)],
    ['a certificate that is not accepted', GET, failure('CERT_HAS_EXPIRED', false)],
    ['a host name that does not resolve', GET, failure('ENOTFOUND', false)],
    ['409', PUT, answer(409, { 'retry-after': '1' })],
  ])('not: %s', async (_, request, first) => {
    const { call, clock, sent } = given([first, answer(200)]);
    outcomeOf(call(request));
    await clock.advance('10s');
    expect(sent).toHaveLength(1);
  });

  test('not earlier than the server asks for, and spread over a quarter of that', async () => {
    const { call, clock, sent } = given([busy('4'), answer(200)]);
    outcomeOf(call(GET));
    await clock.advance('3.9s');
    expect(sent).toHaveLength(1);
    await clock.advance('1.1s');
    expect(sent).toHaveLength(2);
  });

  test('ten times after answers, three times after failures', async () => {
    const answers = given([busy('0')]);
    const last = outcomeOf(answers.call(GET));
    await answers.clock.advance('30s');
    expect(last).toEqual({ status: 429 });
    expect(answers.sent).toHaveLength(11);
    const failures = given([failure('ECONNREFUSED', false)]);
    const failed = outcomeOf(failures.call(GET));
    await failures.clock.advance('30s');
    expect(failed.error).toMatchObject({ code: 'REQUEST_FAILED' });
    expect(failures.sent.map(({ at }) => at).at(-1)).toBeLessThan(2000);
    expect(failures.sent).toHaveLength(4);
  });

  test('within one timeout, of which each attempt has what is left; a wait that does not fit is none', async () => {
    const { call, clock, sent } = given([busy('1'), busy('5')]);
    const outcome = outcomeOf(call({ ...GET, timeout: 4000 }));
    await clock.advance('2s');
    expect(outcome).toEqual({ status: 429 });
    expect(sent[1]?.request.timeout).toBe(4000 - (sent[1]?.at ?? 0));
  });

  test('not past the right under which it is sent', async () => {
    const { call, clock, sent } = given([busy('2'), answer(200)]);
    const outcome = outcomeOf(call({ ...PUT, authority: authority(1500, clock).held }));
    await clock.advance('10s');
    expect(outcome).toEqual({ status: 429 });
    expect(sent).toHaveLength(1);
  });

  test('not when the right was lost while it waited', async () => {
    const { call, clock, sent } = given([busy('2'), answer(200)]);
    const lost = new AbortController();
    const { held } = authority(60_000, clock);
    const outcome = outcomeOf(
      call({
        ...PUT,
        authority: {
          ...held,
          signal: lost.signal,
          assertHeld: () => {
            if (lost.signal.aborted) throw new IncumbentError('AUTHORITY_LOST', 'lost');
          },
        },
      }),
    );
    await clock.advance('1s');
    lost.abort();
    await settle();
    expect(outcome.error).toMatchObject({ code: 'AUTHORITY_LOST' });
    await clock.advance('10s');
    expect(sent).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('not once its caller has aborted, or the connection is closed; no timer is left', async () => {
    const abort = new AbortController();
    const aborted = given([busy('5')]);
    const first = outcomeOf(aborted.call({ ...GET, signal: abort.signal }));
    const closed = given([busy('5')]);
    const second = outcomeOf(closed.call(GET));
    await aborted.clock.advance('1s');
    await closed.clock.advance('1s');
    abort.abort('enough');
    closed.closing.abort();
    await settle();
    expect(first.error).toMatchObject({ code: 'REQUEST_ABORTED', cause: 'enough' });
    expect(second.error).toMatchObject({ code: 'CONNECTION_CLOSED', sent: false });
    expect([aborted.clock.pending, closed.clock.pending]).toEqual([0, 0]);
  });

  test('after 401 once, if there are other credentials by now', async () => {
    const changed = given([answer(401), answer(200)], { replace: true });
    const refreshed = outcomeOf(changed.call(PUT));
    await settle();
    expect(refreshed).toEqual({ status: 200 });
    const same = given([answer(401)], { replace: true });
    const refused = outcomeOf(same.call(PUT));
    await settle();
    expect(refused).toEqual({ status: 401 });
    expect(same.sent).toHaveLength(2);
    const unchanged = given([answer(401)]);
    outcomeOf(unchanged.call(PUT));
    await settle();
    expect(unchanged.sent).toHaveLength(1);
  });

  test('never on a connection of its own, as renewals have it: their rhythm is their own', async () => {
    const { call, clock, sent } = given([busy('0'), answer(200)], { patient: false });
    outcomeOf(call(PUT));
    await clock.advance('10s');
    expect(sent).toHaveLength(1);
  });
});

describe('a server that has no room', () => {
  /** A server that works on so many requests at once for 100 ms each, and turns the others away. */
  function overloaded(room: number) {
    let working = 0;
    let most = 0;
    let refused = 0;
    const g = given(() => {
      if (working >= room) return (refused++, busy('1'));
      working += 1;
      most = Math.max(most, working);
      return new Promise<HttpResponse>((resolve) => {
        g.clock.schedule(100, () => ((working -= 1), resolve(answer(200))));
      });
    });
    return { ...g, refused: () => refused, most: () => most };
  }

  test('gets half as many requests at once, and more step by step', async () => {
    const { call, clock, refused, sent, log } = overloaded(4);
    const calls = Array.from({ length: 200 }, () => outcomeOf(call({ ...PUT, timeout: 120_000 })));
    await clock.advance('120s');
    expect(calls.every(({ status }) => status === 200)).toBe(true);
    // All are there at once the first time; after that nearly all find room.
    expect(sent.length - 200).toBe(refused());
    const early = 200 - 4;
    expect(refused() - early).toBeLessThan(60);
    expect(log[0]).toBe('the API server has no room for more (429): 8 requests at once until it has');
  });

  test('is told of when it begins and when it is over, and holds nothing back any more', async () => {
    let busyFor = 4;
    const { call, clock, log, counted } = given(() => (busyFor-- > 0 ? busy('1') : answer(200)));
    for (let round = 0; round < 12; round++) {
      for (let count = 0; count < 16; count++) outcomeOf(call(GET));
      await clock.advance('5s');
    }
    expect(log).toEqual([
      expect.stringMatching(/no room/),
      'the API server has room again: requests are no longer held back',
    ]);
    expect(counted).toContain('rest_client_request_retries_total 429 GET server');
    expect(counted).toContain('rest_client_rate_limiter_duration_seconds GET server');
  });

  test('holds a request back no longer than its timeout, and tells so; its place is not lost', async () => {
    const { call, clock, window, sent } = given(() => busy('20'));
    outcomeOf(call(GET));
    await settle();
    const outcome = outcomeOf(call({ ...GET, timeout: 1000 }));
    await clock.advance('1s');
    expect(outcome.error).toMatchObject({ code: 'REQUEST_TIMEOUT', sent: false });
    expect(outcome.error?.message).toMatch(/still waiting for its turn after 1s/);
    expect(sent).toHaveLength(1);
    await clock.advance('30s');
    expect(window.tryEnter()).toBeDefined();
  });

  test('holds a request back no longer than its right', async () => {
    const { call, clock } = given(() => busy('20'));
    outcomeOf(call(GET));
    await settle();
    const outcome = outcomeOf(call({ ...PUT, authority: authority(1000, clock).held }));
    await clock.advance('1s');
    expect(outcome.error).toMatchObject({ code: 'AUTHORITY_LOST' });
  });

  test('a refusal about one object, without Retry-After, slows nothing down', async () => {
    const { call, window } = given([answer(429)]);
    outcomeOf(call(PUT));
    await settle();
    const places = Array.from({ length: 30 }, () => window.tryEnter());
    expect(places.every(Boolean)).toBe(true);
  });

  test('is given way to once for one burst, however many of its requests were refused', () => {
    const window = new CongestionWindow(16);
    const places = Array.from({ length: 16 }, () => window.tryEnter());
    for (const place of places) if (place) window.refused(place);
    for (const place of places) if (place) window.leave();
    const again = Array.from({ length: 16 }, () => window.tryEnter()).filter(Boolean);
    expect(again).toHaveLength(8);
  });

  test('a place that comes free in the tick in which its next owner gives up stays free', async () => {
    const { call, window } = given(() => busy('20'));
    const abort = new AbortController();
    outcomeOf(call(GET));
    await settle();
    const outcome = outcomeOf(call({ ...GET, signal: abort.signal }));
    await settle();
    abort.abort();
    window.leave();
    await settle();
    expect(outcome.error).toMatchObject({ code: 'REQUEST_ABORTED' });
    expect(window.underWay).toBe(0);
  });

  test('no place is ever lost or given twice, whoever gives up in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ status: fc.constantFrom(200, 429), timeout: fc.integer({ min: 1, max: 5000 }) }),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        async (requests) => {
          let working = 0;
          const g = given(({ query }) => {
            working += 1;
            return new Promise<HttpResponse>((resolve) => {
              const respond = () => (
                (working -= 1),
                resolve(query?.['status'] === '429' ? busy('1') : answer(200))
              );
              g.clock.schedule(100, respond);
            });
          });
          const calls = requests.map(({ status, timeout }) =>
            outcomeOf(g.call({ ...GET, timeout, query: { status: String(status) } })),
          );
          await g.clock.advance('60s');
          expect(calls.filter(({ status, error }) => !status && !error)).toEqual([]);
          expect(working).toBe(0);
          expect(g.window.underWay).toBe(0);
          expect(g.clock.pending).toBe(0);
        },
      ),
      { seed: 1, numRuns: 25 },
    );
  });
});

describe('a rate limit', () => {
  test('lets a burst through, then so many a second, in order', async () => {
    const { call, clock, sent } = given([answer(200)], { rate: new RateLimit({ perSecond: 10, burst: 5 }) });
    for (let count = 0; count < 15; count++) outcomeOf(call({ ...GET, path: `/${count}` }));
    await settle();
    expect(sent).toHaveLength(5);
    await clock.advance('500ms');
    expect(sent).toHaveLength(10);
    await clock.advance('500ms');
    expect(sent.map(({ request }) => request.path)).toEqual(Array.from({ length: 15 }, (_, at) => `/${at}`));
  });

  test('that would outlast the timeout fails at once', async () => {
    const { call, sent } = given([answer(200)], { rate: new RateLimit({ perSecond: 0.1, burst: 1 }) });
    outcomeOf(call(GET));
    const outcome = outcomeOf(call({ ...GET, timeout: 5000 }));
    await settle();
    expect(outcome.error).toMatchObject({ code: 'REQUEST_TIMEOUT', sent: false });
    expect(sent).toHaveLength(1);
  });

  test('of nothing is refused', () => {
    expect(() => new RateLimit({ perSecond: 0 })).toThrow(/perSecond \(0\) must be above 0/);
    expect(() => new RateLimit({ perSecond: 1, burst: 0.5 })).toThrow(/burst \(0.5\) at least 1/);
  });
});

describe('metrics', () => {
  test('count each attempt by code, and time each call as a whole, by the names that client-go gives them', async () => {
    const { call, clock, counted } = given([failure('ECONNREFUSED', false), busy('1'), answer(201)]);
    const response = call({ ...PUT, method: 'POST' });
    await clock.advance('5s');
    await (await response).text();
    expect(counted).toEqual([
      'rest_client_requests_total <error> POST server',
      'rest_client_request_retries_total <error> POST server',
      'rest_client_requests_total 429 POST server',
      'rest_client_request_retries_total 429 POST server',
      'rest_client_requests_total 201 POST server',
      'rest_client_request_duration_seconds POST server',
    ]);
  });

  test('do not count what a lost right kept in', async () => {
    const { call, clock, counted } = given([answer(200)]);
    const outcome = outcomeOf(call({ ...PUT, authority: authority(-1, clock).held }));
    await settle();
    expect(outcome.error).toMatchObject({ code: 'AUTHORITY_LOST' });
    expect(counted.filter((name) => name.startsWith('rest_client_requests_total'))).toEqual([]);
  });
});
