import { describe, expect, jest, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from './eventually.js';
import './jest.js';

async function failureOf(waiting: Promise<unknown>): Promise<Error & { code?: string }> {
  return waiting.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as Error,
  );
}

const quick = { timeout: 60, interval: 5 };
/** For claims about several attempts, of which a busy machine makes few. */
const patient = { timeout: 400, interval: 5 };

/** Fails with these messages, one an attempt; with the last one for ever. */
function failing(...messages: string[]): () => never {
  return () => {
    const message = messages.length > 1 ? messages.shift() : messages[0];
    throw new Error(message);
  };
}

const waiting = (times: number) => ({
  status: { conditions: [{ type: 'Ready', status: 'False', message: `for ${times}` }] },
});

describe('eventually', () => {
  test('resolves with what the assertion returns once it holds', async () => {
    let calls = 0;
    const found = await eventually(async () => {
      calls += 1;
      expect(calls).toBeGreaterThan(2);
      return `attempt ${calls}`;
    }, patient);
    expect(found).toBe('attempt 3');
  });

  test('tries once, whatever the timeout', async () => {
    expect(await eventually(() => 'at once', { timeout: 0 })).toBe('at once');
  });

  test('never runs two attempts at a time', async () => {
    let running = 0;
    let most = 0;
    await failureOf(
      eventually(async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 15));
        running -= 1;
        throw new Error('not yet');
      }, quick),
    );
    expect(most).toBe(1);
  });

  test('throws the last failure itself, with its diff, then what was awaited, how long and how often', async () => {
    let last: unknown;
    const error = await failureOf(
      eventually(
        () => {
          try {
            expect({ said: 'Hello' }).toEqual({ said: 'Goodbye' });
          } catch (failure) {
            last = failure;
            throw failure;
          }
        },
        { ...quick, what: 'the farewell' },
      ),
    );
    expect(error).toBe(last);
    expect(error.message).toMatch(/-.*"said": "Goodbye"[^]*\+.*"said": "Hello"/);
    expect(error.message).toMatch(/\n\nWaited \d\.\d s for the farewell, in \d+ attempts\.$/);
  });

  test('keeps the stack of the failure, with the new message, and adds the place of the wait', async () => {
    async function assertion(): Promise<void> {
      await Promise.resolve();
      throw new RangeError('too few');
    }
    const elsewhere = () =>
      new Promise((_, reject) => {
        setTimeout(() => reject(new Error('refused')), 1);
      });
    async function whoWaits(how: () => Promise<unknown>): Promise<void> {
      await eventually(how, quick);
    }
    const { stack = '', message } = await failureOf(whoWaits(assertion));
    expect(stack.startsWith(`RangeError: ${message}\n    at `)).toBe(true);
    expect(stack).toMatch(/at assertion /);
    expect(stack).toMatch(/at whoWaits /);
    expect(stack.match(/too few/g)).toHaveLength(1);
    const own = (await failureOf(whoWaits(elsewhere))).stack ?? '';
    expect(own.match(/at .*eventually\.test\.ts:/g)?.length).toBeGreaterThan(1);
  });

  test('tells how the failures changed while it waited', async () => {
    const { message } = await failureOf(eventually(failing('refused', 'refused', 'not found'), patient));
    expect(message).toMatch(
      /^not found\n\nWaited .* It failed like this from attempt 3 on; before: "refused"\.$/,
    );
  });

  test.each([
    ['toBe', (seen: number) => expect(seen).toBe(9), /"expect.*Received: 1", "expect.*Received: 2"\.$/],
    [
      'toEqual',
      (seen: number) => expect({ said: seen }).toEqual({ said: 9 }),
      /"expect.*\+ "said": 1,", "expect.*\+ "said": 2,"\.$/,
    ],
    [
      'toHaveCondition',
      (seen: number) => expect(waiting(seen)).toHaveCondition('Ready'),
      /"expect.*"Ready False: for 1"", "expect.*"Ready False: for 2""\.$/,
    ],
  ])('tells failures of %s apart by what was received', async (_, claim, words) => {
    let seen = 0;
    const { message } = await failureOf(
      eventually(() => {
        seen = Math.min(seen + 1, 3);
        claim(seen);
      }, patient),
    );
    const [, history = ''] = stripVTControlCharacters(message).split(' from attempt 3 on; before: ');
    expect(history).toMatch(words);
  });

  test('counts false as a failure: an assertion without expect must not pass by accident', async () => {
    const error = await failureOf(eventually(() => [].length > 0, quick));
    expect(error.code).toBe('EVENTUALLY_FALSE');
    expect(error.message).toMatch(/returned false\.\n\nWaited/);
  });

  test('gives an attempt up that hangs, and says so', async () => {
    const error = await failureOf(eventually(() => new Promise(() => {}), quick));
    expect(error.code).toBe('EVENTUALLY_HANGS');
    expect(error.message).toMatch(/the first attempt had not ended/);
  });

  test('shows the failure before the attempt that hangs', async () => {
    let calls = 0;
    const { message } = await failureOf(
      eventually(() => {
        calls += 1;
        if (calls === 1) throw new Error('refused');
        return new Promise(() => {});
      }, patient),
    );
    expect(message).toMatch(/^refused\n\nWaited .* in 2 attempts\. The attempt after it had not ended\.$/);
  });

  test.each([
    ['a string', 'no', /threw 'no'/],
    ['nothing', undefined, /threw undefined/],
    ['a frozen error', Object.freeze(new Error('ice')), /threw ice/],
  ])('wraps %s, which can carry no explanation', async (_, thrown, words) => {
    const error = await failureOf(
      eventually(() => {
        throw thrown;
      }, quick),
    );
    expect(error).toMatchObject({ code: 'EVENTUALLY_FAILED', cause: thrown });
    expect(error.message).toMatch(words);
  });

  test('gives up at once when the signal aborts, also during an attempt or a long interval', async () => {
    for (const assertion of [failing('not yet'), () => new Promise(() => {})]) {
      const stop = new AbortController();
      const waiting = failureOf(
        eventually(assertion, { signal: stop.signal, interval: 60_000, timeout: 60_000, what: 'a greeting' }),
      );
      const reason = new Error('the operator failed');
      setTimeout(() => stop.abort(reason), 10);
      const error = await waiting;
      expect(error).toMatchObject({ code: 'EVENTUALLY_ABORTED', cause: reason });
      expect(error.message).toMatch(/^Gave up waiting for a greeting after \d\.\d s: the operator failed$/);
    }
  });

  test('moves a virtual clock on between attempts, not during one', async () => {
    const moves: number[] = [];
    let trying = false;
    const clock = {
      async advance(by: number) {
        expect(trying).toBe(false);
        moves.push(by);
      },
    };
    await eventually(
      async () => {
        trying = true;
        await Promise.resolve();
        trying = false;
        expect(moves).toHaveLength(3);
      },
      { ...patient, clock, step: 600_000 },
    );
    expect(moves).toEqual([600_000, 600_000, 600_000]);
  });

  test('waits in real time when the runner fakes its timers', async () => {
    jest.useFakeTimers();
    try {
      const { message } = await failureOf(eventually(failing('not yet'), quick));
      expect(message).toMatch(/^not yet/);
    } finally {
      jest.useRealTimers();
    }
  });
});
