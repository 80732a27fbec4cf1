import { describe, expect, test } from '@jest/globals';
import { Container } from 'inversify';
import { z } from 'zod';
import { Job, Lease } from '../api/built-in.js';
import { defineResource, type ResourceOf } from '../api/resource.js';
import type { ReconcileContext } from '../controller/context.js';
import { type Reconciler, type ReconcileResult, requeueAfter } from '../controller/reconciler.js';
import { watch } from '../controller/watch.js';
import { Controller, controllerOptionsOf } from './controller.js';
import { Daemon } from './daemon.js';
import { planOf } from './definition-of.js';
import { Finalizer, finalizerOf } from './finalizer.js';
import { methodDefinitions, planMethods } from './methods-of.js';
import { Timer } from './timer.js';

const Backup = defineResource({
  group: 'backup.example.com',
  version: 'v1',
  kind: 'Backup',
  spec: z.object({ schedule: z.string(), keep: z.int().min(1).default(7) }),
  status: z.object({ lastBackup: z.iso.datetime().optional() }),
});
type Backup = ResourceOf<typeof Backup>;

@Controller({ for: Backup, owns: [Job], concurrency: 4 })
class BackupController implements Reconciler<Backup> {
  async reconcile(
    backup: Backup,
    { log, signal, events, term, cache, client }: ReconcileContext,
  ): Promise<ReconcileResult> {
    void [log, signal, events, term, cache, client, backup.spec.keep.toFixed()];
    return requeueAfter('10m');
  }

  @Finalizer('backup.example.com/archives')
  async cleanup(backup: Backup, { log }: ReconcileContext): Promise<ReconcileResult> {
    log.info({}, backup.spec.schedule);
  }

  @Timer('10m')
  async verify(backup: Backup): Promise<ReconcileResult> {
    return requeueAfter(backup.spec.keep);
  }

  @Timer(500)
  async measure(_backup: Backup, _context: ReconcileContext): Promise<void> {}

  @Daemon()
  async follow(backup: Backup, { signal }: ReconcileContext): Promise<ReconcileResult> {
    void [backup.spec.schedule, signal];
  }
}

describe('what the decorators write down', () => {
  test('is on the class, and nowhere else', () => {
    expect(controllerOptionsOf(BackupController)).toEqual({ for: Backup, owns: [Job], concurrency: 4 });
    expect(finalizerOf(BackupController)).toEqual({ name: 'backup.example.com/archives', method: 'cleanup' });
    expect(controllerOptionsOf(class extends BackupController {})).toBeUndefined();
    expect(planMethods('BackupController', BackupController)).toEqual({
      timers: [
        { method: 'verify', every: 600_000 },
        { method: 'measure', every: 500 },
      ],
      daemons: ['follow'],
    });
    expect(planMethods('Sub', class extends BackupController {})).toEqual({ timers: [], daemons: [] });
  });

  test('becomes calls of the instance, as the instance', async () => {
    const reconciler = new BackupController();
    const plan = planMethods('BackupController', BackupController);
    const { timers } = methodDefinitions('BackupController', reconciler as unknown as Reconciler, plan);
    const backup = { spec: { keep: 7 } } as never;
    expect(await timers?.[0]?.call(backup, undefined as never)).toEqual({ requeueAfter: 7 });
  });

  test('makes the class injectable', () => {
    const container = new Container();
    container.bind(BackupController).toSelf();
    expect(container.get(BackupController)).toBeInstanceOf(BackupController);
  });

  test('gets defaults: the name of the class, one at a time, on the leader', () => {
    const plan = planOf('BackupController', { for: Backup });
    expect(plan).toMatchObject({
      name: 'BackupController',
      concurrency: 1,
      on: 'leader',
      owns: [],
      reads: [],
    });
    expect(plan.reconcileTimeout).toBeUndefined();
    expect(planOf('BackupController', { for: Backup, reconcileTimeout: '2m' }).reconcileTimeout).toBe(
      120_000,
    );
    const { reconcileTimeout } = planOf('BackupController', { for: Backup, reconcileTimeout: () => '1s' });
    expect((reconcileTimeout as () => number)()).toBe(1000);
    expect(plan).toMatchObject({
      backOff: { start: 5, cap: 1_000_000 },
      retryRate: { perSecond: 10, burst: 100 },
      watches: [],
    });
    expect([plan.maxRetries, plan.resyncPeriod]).toEqual([undefined, undefined]);
  });
});

describe('what cannot work is refused in a sentence that names the controller', () => {
  const absent = undefined as never;

  test.each([
    [{ for: absent }, 'BackupController has no `for`'],
    [{ for: Backup, concurrency: 0 }, 'BackupController has concurrency 0'],
    [{ for: Backup, concurrency: 1.5 }, 'BackupController has concurrency 1.5'],
    [{ for: Backup, owns: [absent] }, 'BackupController has an undefined entry in `owns`'],
    [{ for: Backup, namespaces: [] }, 'BackupController has an empty list of namespaces'],
    [{ for: Backup, watches: [absent] }, 'BackupController has an undefined entry in `watches`'],
    [
      { for: Backup, watches: [watch(absent, () => [])] },
      'BackupController has a watch of an undefined kind',
    ],
    [
      { for: Backup, watches: [watch(Job, () => [], { namespaces: [] })] },
      'BackupController watches Job in an empty list of namespaces',
    ],
    [{ for: Backup, maxRetries: -1 }, 'BackupController has maxRetries -1'],
    [{ for: Backup, resyncPeriod: 0 }, 'BackupController has a resyncPeriod of 0'],
    [{ for: Backup, backOff: { start: '1h' as const } }, 'BackupController has a backOff from 1h to 1000s'],
    [
      { for: Backup, retryRate: { burst: 0 } },
      'BackupController has a retryRate of 10 per second, 0 at once',
    ],
  ])('%j', (options, sentence) => {
    expect(() => planOf('BackupController', options)).toThrow(sentence);
  });

  test('a finalizer without a domain', () => {
    expect(() => Finalizer('archives/all')(BackupController.prototype, 'cleanup')).toThrow(
      'second @Finalizer',
    );
    class Other {
      async reconcile(_object: Backup): Promise<void> {}
      async cleanup(_object: Backup): Promise<void> {}
    }
    expect(() => Finalizer('archives/all')(Other.prototype, 'cleanup')).toThrow('write domain/name');
  });
});

describe('a timer or daemon that cannot work is refused in a sentence that names the controller', () => {
  class Plain {
    async reconcile(_object: Backup): Promise<void> {}
    async refresh(_object: Backup): Promise<void> {}
  }
  const decorated = (...decorators: ReturnType<typeof Daemon>[]) => {
    class Some extends Plain {}
    for (const decorate of decorators) decorate(Some.prototype, 'refresh');
    return Some;
  };

  test.each([
    [[Timer(0)], "C has @Timer('0') on refresh: give a time above 0, such as '10s'."],
    [[Timer('10 s' as '10s')], "C has @Timer('10 s') on refresh: give a time above 0, such as '10s'."],
    [
      [Timer('1s'), Timer('2s')],
      'C has more than one @Timer or @Daemon on refresh: give each a method of its own.',
    ],
    [
      [Timer('1s'), Daemon()],
      'C has more than one @Timer or @Daemon on refresh: give each a method of its own.',
    ],
  ])('%#', (decorators, sentence) => {
    expect(() => planMethods('C', decorated(...decorators))).toThrow(sentence);
  });

  test('when the method is not there', () => {
    const plan = planMethods('C', decorated(Timer('1s')));
    const reconcile = async (): Promise<void> => {};
    expect(() => methodDefinitions('C', { reconcile }, plan)).toThrow(
      'C has @Timer or @Daemon on refresh, but the object that was made of it has no such method.',
    );
  });
});

// Proven by the compiler: each line below that must not compile is marked, and an unused mark is an error.
describe('the compiler refuses', () => {
  test('a reconciler of another kind', () => {
    class OfJobs {
      async reconcile(_object: Job): Promise<void> {}
    }
    class OfLeases {
      async reconcile(_object: Lease): Promise<void> {}
    }
    class Misspelt {
      async reconcil(_object: Backup): Promise<void> {}
    }
    class WithText {
      async reconcile(_object: Backup): Promise<string> {
        return '10m';
      }
    }
    class Right {
      async reconcile(_object: Backup): Promise<void> {}
    }
    const controller = Controller({ for: Backup });
    // @ts-expect-error -- reconciles jobs
    controller(OfJobs);
    // @ts-expect-error -- reconciles leases
    controller(OfLeases);
    // @ts-expect-error -- has no reconcile
    controller(Misspelt);
    // @ts-expect-error -- returns no result
    controller(WithText);
    controller(Right);
    expect(controllerOptionsOf(Right)).toEqual({ for: Backup });
  });

  test('a timer or a daemon on a method of another shape', () => {
    class Shapes {
      readonly value = 1;
      async reconcile(_object: Backup, _context: ReconcileContext): Promise<void> {}
      async jobs(_object: Job): Promise<void> {}
      async text(_object: Backup): Promise<string> {
        return '';
      }
      async whole(_object: Backup, _context: ReconcileContext): Promise<ReconcileResult> {}
    }
    class Runs {
      async run(_object: Backup): Promise<void> {}
    }
    for (const decorate of [Timer('10s'), Daemon()]) {
      // @ts-expect-error -- takes jobs, reconcile takes backups
      decorate(Shapes.prototype, 'jobs');
      // @ts-expect-error -- returns text
      decorate(Shapes.prototype, 'text');
      // @ts-expect-error -- is no method
      decorate(Shapes.prototype, 'value');
      // @ts-expect-error -- is not there
      decorate(Shapes.prototype, 'hole');
      // @ts-expect-error -- in a class without reconcile
      decorate(Runs.prototype, 'run');
      decorate(Shapes.prototype, 'whole');
    }
    // @ts-expect-error -- is no duration
    expect(() => Timer('10 seconds')).not.toThrow();
  });

  test('a finalizer on a method of another shape', () => {
    class Shapes {
      readonly value = 1;
      async reconcile(_object: Backup, _context: ReconcileContext): Promise<void> {}
      async jobs(_object: Job, _context: ReconcileContext): Promise<void> {}
      async text(_object: Backup): Promise<string> {
        return '';
      }
      async whole(_object: Backup, _context: ReconcileContext): Promise<ReconcileResult> {}
    }
    const finalizer = Finalizer('backup.example.com/archives');
    const apply = (decorate: () => void): void => void decorate;
    // @ts-expect-error -- takes jobs, reconcile takes backups
    apply(() => finalizer(Shapes.prototype, 'jobs'));
    // @ts-expect-error -- returns text
    apply(() => finalizer(Shapes.prototype, 'text'));
    // @ts-expect-error -- is no method
    apply(() => finalizer(Shapes.prototype, 'value'));
    apply(() => finalizer(Shapes.prototype, 'whole'));
    // @ts-expect-error -- is no domain/name
    expect(() => Finalizer('archives')(Shapes.prototype, 'whole')).toThrow('write domain/name');
  });
});
