// The API server of a measurement, in processes of its own: it must not share an event loop with who measures.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ControlPlane } from '@incumbent/testing';

/** @param {string} kind - `real` or `embedded` */
export async function startServer(kind) {
  const start = { embedded: startEmbedded, real: startReal }[kind];
  if (!start) throw new Error(`There is no server "${kind}": use embedded or real.`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const kubeconfig = path.join(folder, 'kubeconfig');
  return { ...(await start(kubeconfig)), kind, folder, kubeconfig };
}

async function startReal(kubeconfig) {
  const server = await ControlPlane.start();
  await server.writeKubeconfig(kubeconfig);
  return { url: server.url, etcd: server.etcdAccess(), stop: () => server.stop() };
}

async function startEmbedded(kubeconfig) {
  const child = helper('embedded-server.mjs', kubeconfig);
  const [{ url }] = await once(child, 'message');
  return { url, etcd: undefined, stop: () => end(child) };
}

/**
 * A way to the server on which connections are counted.
 *
 * @param {Awaited<ReturnType<typeof startServer>>} server
 */
export async function countConnections(server) {
  const { hostname, port } = new URL(server.url);
  const child = helper('counting-proxy.mjs', hostname, port);
  const [{ port: own }] = await once(child, 'message');
  const kubeconfig = path.join(server.folder, 'counted-kubeconfig');
  const text = readFileSync(server.kubeconfig, 'utf8');
  writeFileSync(kubeconfig, text.replaceAll(`//${hostname}:${port}`, `//${hostname}:${own}`));
  return {
    kubeconfig,
    async opened() {
      child.send('count');
      const [{ count }] = await once(child, 'message');
      return count;
    },
    stop: () => end(child),
  };
}

function helper(script, ...words) {
  return fork(path.join(import.meta.dirname, script), words);
}

async function end(child) {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
