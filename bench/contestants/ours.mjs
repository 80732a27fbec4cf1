// Incumbent, as its users write it: a shared informer, or an operator with one controller.
import {
  alone,
  Client,
  ConfigMap,
  connect,
  Controller,
  InformerCache,
  Operator,
  silentLogger,
  systemClock,
  systemRandom,
} from '@incumbent/core';
import { characters, CONCURRENCY, Latencies, Marked, perform } from '../lib/act.mjs';

await perform({ sync: follow, 'catch-up': follow, latency, reconciles });

async function follow({ kubeconfig, namespace, ...options }) {
  const connection = await connect({ kubeconfig });
  const cache = new InformerCache({
    reader: new Client(connection),
    clock: systemClock,
    random: systemRandom,
  });
  const { lister, ...informer } = watched(cache, namespace);
  const marked = new Marked(options);
  return {
    async go() {
      void cache.run(new AbortController().signal);
      await cache.waitForSync();
      return { objects: lister.list().length };
    },
    async read() {
      const objects = lister.list();
      return { objects: objects.length, characters: characters(objects) };
    },
    async wait() {
      informer.onChange((object) => marked.look(object));
      return {};
    },
    async 'catch-up'() {
      await marked.all;
      return {};
    },
  };
}

function watched(cache, namespace) {
  const informer = cache.informerFor(ConfigMap, { namespace });
  return {
    lister: informer.lister,
    onChange: (look) => informer.addHandler({ added: look, updated: (_, after) => look(after) }),
  };
}

async function latency(options) {
  const latencies = new Latencies();
  const operator = await operate(options, async (object) => latencies.note(object));
  return {
    async go() {
      await operator.start();
      return {};
    },
    async samples() {
      return { samples: latencies.samples };
    },
  };
}

async function reconciles(options) {
  const { mark, expect } = options;
  let patched = 0;
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const operator = await operate(options, async (object, { client, key }) => {
    if (object.data?.mark === mark) return;
    await client.patch(ConfigMap, key, { type: 'merge', patch: { data: { mark } } });
    patched += 1;
    if (patched === expect) done();
  });
  return {
    async go() {
      void operator.start();
      await all;
      return {};
    },
  };
}

/** An operator with one controller; `start` resolves when its cache has synced and it leads. */
async function operate({ kubeconfig, namespace }, reconcile) {
  const connection = await connect({ kubeconfig });
  class Reconciles {
    reconcile = reconcile;
  }
  Controller({ for: ConfigMap, concurrency: CONCURRENCY })(Reconciles);
  const operator = new Operator({
    controllers: [Reconciles],
    leadership: alone(),
    connection,
    namespaces: [namespace],
    log: silentLogger,
    http: false,
  });
  return {
    start() {
      const leads = new Promise((resolve) =>
        operator.leadership$.subscribe(({ phase }) => phase === 'leading' && resolve()),
      );
      operator.run().catch((error) => {
        process.stderr.write(`${error.stack}\n`);
        process.exit(1);
      });
      return leads;
    },
  };
}
