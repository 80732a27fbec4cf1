/** Wiring that can't work, each with the sentence that docs/controllers.md shows for it. */
import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import {
  alone,
  Connection,
  Controller,
  Finalizer,
  inject,
  Operator,
  type OperatorOptions,
  type ReconcilerClass,
  type Reconciler,
  resource,
  Runnable,
  type RunnableClass,
  silentLogger,
} from '@incumbent/core';

const Widget = resource({ group: 'shop.example.com', version: 'v1', kind: 'Widget' });
const missing = undefined as never;

class Archive {}
class Plain implements Reconciler {
  async reconcile(): Promise<void> {}
}
@Controller({ for: Widget })
class WidgetController extends Plain {}
@Controller({ for: Widget, name: 'WidgetController' })
class Namesake extends Plain {}
@Controller({ for: missing })
class WithoutFor extends Plain {}
@Controller({ for: Widget, concurrency: 0 })
class NoneAtATime extends Plain {}
@Controller({ for: Widget, namespaces: [] })
class Nowhere extends Plain {}
@Controller({ for: Widget, owns: [missing] })
class OwnsNothing extends Plain {}
@Controller({ for: Widget })
class NeedsArchive extends Plain {
  constructor(@inject(Archive) readonly archive: Archive) {
    super();
  }
}
@Controller({ for: resource({ ...Widget, scope: 'Cluster' }) })
class OtherScope extends Plain {}
class Idle {
  async run(): Promise<void> {}
}
@Runnable()
class Janitor extends Idle {}
@Runnable({ name: 'Janitor' })
class SecondJanitor extends Idle {}

const of = (...controllers: ReconcilerClass[]) => ({ controllers });
const beside = (...runnables: RunnableClass[]) => ({ controllers: [WidgetController], runnables });

/** A server that serves no widgets, or serves them per namespace. */
function server(resources: readonly object[]): Connection {
  const answer = JSON.stringify({ kind: 'APIResourceList', resources });
  class Canned extends Connection {
    override send(): ReturnType<Connection['send']> {
      const body = (async function* () {
        yield Buffer.from(answer);
      })();
      return Promise.resolve({ status: 200, headers: {}, body, text: () => Promise.resolve(answer) });
    }
  }
  return new Canned({
    server: 'http://canned',
    credentials: { current: () => Promise.resolve({ headers: {}, tls: {} }) },
  });
}

async function sentenceOf(options: Partial<OperatorOptions>): Promise<string> {
  try {
    const common = { leadership: alone(), log: silentLogger, http: false, connection: server([]) } as const;
    await new Operator({ ...common, controllers: [WidgetController], ...options }).run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it ran');
}

const CASES: readonly (readonly [what: string, options: Partial<OperatorOptions>])[] = [
  ['a class without `@Controller`', of(Plain)],
  ['a controller without `for`', of(WithoutFor)],
  ['an impossible `concurrency`', of(NoneAtATime)],
  ['an empty list of namespaces', of(Nowhere)],
  ['an undefined kind in `owns`', of(OwnsNothing)],
  ['two controllers of one name', of(WidgetController, Namesake)],
  ['an undefined controller', of(missing)],
  ['a class without `@Runnable`', beside(Idle)],
  ['two runnables of one name', beside(Janitor, SecondJanitor)],
  ['nothing to run', of()],
  ['no leadership', { leadership: missing }],
  ['a missing injection', of(NeedsArchive)],
  ['a kind that is not served', of(WidgetController)],
  [
    'a kind of another scope',
    { ...of(OtherScope), connection: server([{ name: 'widgets', kind: 'Widget', namespaced: true }]) },
  ],
];

describe('the page on controllers', () => {
  test.each(CASES)('shows what is said of %s', async (what, options) => {
    const page = await readFile(new URL('../docs/controllers.md', import.meta.url), 'utf8');
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    const shown = rows.find(([, first]) => first === what)?.[2];
    expect(shown).toBe(await sentenceOf(options));
  });
});

test('a second finalizer in a class is refused where it is written', () => {
  const second = (): void => {
    class Two extends Plain {
      async cleanup(): Promise<void> {}
    }
    const decorate = (name: 'a.example.com/x' | 'b.example.com/y') =>
      Finalizer(name)(Two.prototype as never, 'cleanup');
    decorate('a.example.com/x');
    decorate('b.example.com/y');
  };
  expect(second).toThrow('Two has a second @Finalizer: a.example.com/x and b.example.com/y.');
});
