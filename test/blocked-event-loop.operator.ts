/** An operator in a process of its own, one of whose reconciles blocks the event loop. Node runs this file as it is: no decorators. */
import {
  ConfigMap,
  Controller,
  type DeepReadonly,
  type LogFields,
  type Logger,
  Operator,
  type ReconcileContext,
  type Reconciler,
  connect,
} from '@incumbent/core';
import { leaderElection } from '@incumbent/election';

export type OperatorReport =
  | { readonly kind: 'warning'; readonly fields: LogFields; readonly message: string }
  | { readonly kind: 'leading' | 'written'; readonly term: number }
  | { readonly kind: 'metrics'; readonly text: string };

const [kubeconfig = '', blockedFor = '0'] = process.argv.slice(2);
const report = (message: OperatorReport): void => void process.send?.(message);
const stop = new AbortController();
process.on('message', () => stop.abort());

class BusyController implements Reconciler<ConfigMap> {
  async reconcile(object: DeepReadonly<ConfigMap>, { client, term }: ReconcileContext): Promise<void> {
    if (object.metadata.name !== 'operator-busy' || object.data?.['done']) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockedFor));
    const { name, namespace } = object.metadata;
    await client.patch(
      ConfigMap,
      { name, namespace },
      { type: 'merge', patch: { data: { done: term.token } } },
    );
    report({ kind: 'written', term: term.number });
    // The watch of the loop has its turn after this one's.
    setTimeout(() => void tellMetrics(), 500);
  }
}
Controller({ for: ConfigMap })(BusyController);

const silent = (): void => {};
const log: Logger = {
  trace: silent,
  debug: silent,
  info: silent,
  warn: (fields, message) => report({ kind: 'warning', fields, message }),
  error: (fields, message) => report({ kind: 'warning', fields, message }),
  child: () => log,
};

const operator = new Operator({
  controllers: [BusyController],
  connection: await connect({ kubeconfig }),
  leadership: leaderElection({
    name: 'operator',
    thread: 'worker',
    connect: { kubeconfig },
    leaseDuration: '3s',
    renewDeadline: '2s',
    renewInterval: '600ms',
    retryPeriod: '200ms',
  }),
  http: { port: 0, host: '127.0.0.1' },
  log,
});
operator.leadership$.subscribe(({ phase, term }) => {
  if (phase === 'leading') report({ kind: 'leading', term: term ?? -1 });
});

async function tellMetrics(): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${operator.address?.port}/metrics`);
  report({ kind: 'metrics', text: await answer.text() });
}

await operator.run({ signal: stop.signal });
process.exit();
