/** The harness for Jest: importing this registers the matchers, with their types. Nothing else in this package loads Jest. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { type KubernetesMatchers, matchers } from './matchers/matchers.js';
import { TestEnvironment, type TestEnvironmentOptions } from './test-environment.js';

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends KubernetesMatchers<R> {}
}

expect.extend(matchers);

/** Milliseconds. The real servers are ready after about 3 s on an idle machine, and machines that run tests are not idle. */
const START_TIMEOUT = 90_000;
const STOP_TIMEOUT = 60_000;

/**
 * An environment for the tests of this file, or of the `describe` it is called in: started before the first, stopped after the last.
 * Usable in hooks and tests only.
 */
export function testEnvironment(options: TestEnvironmentOptions = {}): TestEnvironment {
  const environment = new TestEnvironment(options);
  beforeAll(async () => {
    await environment.start();
  }, START_TIMEOUT);
  afterAll(async () => environment.stop(), STOP_TIMEOUT);
  return environment;
}
