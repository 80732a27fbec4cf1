// @kubernetes/client-node, as its users write it with care: an informer that is started again after errors and drops managedFields, and
// for reconciles a queue of keys that is worked off a few at a time, each key once.
import {
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { characters, CONCURRENCY, Latencies, Marked, perform } from '../lib/act.mjs';

await perform({ sync: follow, 'catch-up': follow, latency, reconciles });

async function follow(options) {
  const { informer } = informerOf(options);
  const marked = new Marked(options);
  return {
    async go() {
      await informer.start();
      return { objects: informer.list().length };
    },
    async read() {
      const objects = informer.list();
      return { objects: objects.length, characters: characters(objects) };
    },
    async wait() {
      informer.on('change', (object) => marked.look(object));
      return {};
    },
    async 'catch-up'() {
      await marked.all;
      return {};
    },
  };
}

async function latency(options) {
  const latencies = new Latencies();
  const { informer } = informerOf(options);
  reconcileEach(informer, async (object) => latencies.note(object));
  return {
    async go() {
      await informer.start();
      return {};
    },
    async samples() {
      return { samples: latencies.samples };
    },
  };
}

async function reconciles(options) {
  const { mark, expect, namespace } = options;
  const { informer, api } = informerOf(options);
  const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  let patched = 0;
  let done;
  const all = new Promise((resolve) => (done = resolve));
  reconcileEach(informer, async ({ metadata: { name }, data }) => {
    if (data?.mark === mark) return;
    await api.patchNamespacedConfigMap({ name, namespace, body: { data: { mark } } }, mergePatch);
    patched += 1;
    if (patched === expect) done();
  });
  return {
    async go() {
      await informer.start();
      await all;
      return {};
    },
  };
}

function informerOf({ kubeconfig, namespace }) {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  // It refuses plain HTTP, which the embedded server speaks, unless verification is off.
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  const api = config.makeApiClient(CoreV1Api);
  const list = () => api.listNamespacedConfigMap({ namespace });
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list);
  informer.on('change', ({ metadata }) => {
    metadata.managedFields = undefined;
  });
  informer.on('error', () => setTimeout(() => void informer.start(), 1000));
  return { informer, api };
}

function reconcileEach(informer, reconcile) {
  const waiting = new Map();
  const running = new Set();
  informer.on('change', ({ metadata }) => {
    waiting.set(metadata.name, metadata.namespace);
    work();
  });
  function work() {
    for (const [name, namespace] of waiting) {
      if (running.size === CONCURRENCY) return;
      if (running.has(name)) continue;
      waiting.delete(name);
      running.add(name);
      void settle(name, namespace);
    }
  }
  async function settle(name, namespace) {
    try {
      const object = informer.get(name, namespace);
      if (object) await reconcile(object);
    } catch (error) {
      process.stderr.write(`${error.stack}\n`);
      setTimeout(() => waiting.set(name, namespace) && work(), 1000);
    } finally {
      running.delete(name);
      work();
    }
  }
}
