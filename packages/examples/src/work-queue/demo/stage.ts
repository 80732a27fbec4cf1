/** Sets the stage: a cluster with the definition of WorkItems and the members' rights, files to hash, and the items. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import {
  Client,
  CustomResourceDefinition,
  type Draft,
  Lease,
  Namespace,
  Role,
  RoleBinding,
  ServiceAccount,
  customResourceDefinition,
  isNotFound,
} from '@incumbent/core';
import {
  type DemoCluster,
  embeddedCluster,
  givenCluster,
  serviceAccountToken,
  writeTokenKubeconfig,
} from '../../demo/cluster.js';
import { CreatedObjects, served } from '../../demo/resources.js';
import { UndoList } from '../../demo/undo-list.js';
import { WorkItem } from '../work-item.js';
import type { WorkQueueFlags } from './flags.js';

/** The work group's Leases, its items and its ServiceAccount. */
export const GROUP = { namespace: 'work-queue', name: 'hashers' };
const { namespace } = GROUP;
/** Files, of 1 to 4 MiB. Each item hashes one of them with a salt of its own. */
const FILES = 16;
const MIB = 2 ** 20;
/** Writes at a time while items are created. */
const PARALLEL = 16;

export interface Stage {
  readonly cluster: DemoCluster;
  readonly client: Client;
  readonly directory: string;
  /** Of the members' ServiceAccount, with its rights and no more. */
  readonly memberKubeconfig: string;
  /** What each item's result must be, by name. */
  readonly expected: ReadonlyMap<string, string>;
  createItems(): Promise<void>;
  /** Strikes everything that was set, in reverse order. */
  end(): Promise<void>;
}

export async function setStage(flags: WorkQueueFlags): Promise<Stage> {
  const undo = new UndoList();
  try {
    return await set(flags, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function set({ kubeconfig, items }: WorkQueueFlags, undo: UndoList): Promise<Stage> {
  const directory = await mkdtemp(join(os.tmpdir(), 'incumbent-'));
  undo.add(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'logs'));
  const cluster = await (kubeconfig === undefined
    ? embeddedCluster(directory, GROUP)
    : givenCluster(kubeconfig));
  undo.add(() => cluster.end());
  const client = new Client(cluster.connection);
  await install(client, undo, kubeconfig !== undefined);
  const files = await writeFiles(directory);
  const drafts = Array.from({ length: items }, (_, index) => draft(index, files));
  const memberKubeconfig = join(directory, 'member.kubeconfig');
  const token = await serviceAccountToken(cluster.connection, GROUP);
  await writeTokenKubeconfig(memberKubeconfig, cluster.kubeconfig, token, namespace);
  return {
    cluster,
    client,
    directory,
    memberKubeconfig,
    expected: new Map(drafts.map(({ name, sha256 }) => [name, sha256])),
    createItems: () =>
      createItems(
        client,
        drafts.map(({ item }) => item),
      ),
    end: () => undo.run(),
  };
}

/** On a cluster that somebody gave, its namespace takes the Leases and the items with it in the end. */
async function install(client: Client, undo: UndoList, given: boolean): Promise<void> {
  const created = new CreatedObjects(client);
  if (given) undo.add(() => created.remove());
  const metadata = GROUP;
  await created.create(CustomResourceDefinition, customResourceDefinition(WorkItem));
  await created.create(Namespace, { metadata: { name: namespace } });
  await created.create(ServiceAccount, { metadata });
  await created.create(Role, { metadata, rules: RULES });
  await created.create(RoleBinding, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: GROUP.name },
    subjects: [{ kind: 'ServiceAccount', ...GROUP }],
  });
  await served(client, WorkItem, namespace);
  if (given) undo.add(() => removeContents(client));
}

/** All that a member may do. */
const RULES = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
  },
  { apiGroups: ['queue.incumbent.dev'], resources: ['workitems'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: ['queue.incumbent.dev'], resources: ['workitems/status'], verbs: ['update'] },
];

interface File {
  readonly path: string;
  readonly content: Buffer;
}

async function writeFiles(directory: string): Promise<readonly File[]> {
  return Promise.all(
    Array.from({ length: FILES }, async (_, index) => {
      const path = join(directory, `file-${index}`);
      const content = Buffer.alloc((1 + (index % 4)) * MIB, `incumbent ${index} `);
      await writeFile(path, content);
      return { path, content };
    }),
  );
}

function draft(
  index: number,
  files: readonly File[],
): { readonly name: string; readonly sha256: string; readonly item: Draft<WorkItem> } {
  const name = `item-${String(index).padStart(5, '0')}`;
  const { path, content } = files[index % files.length] as File;
  const sha256 = createHash('sha256').update(name).update(content).digest('hex');
  return { name, sha256, item: { metadata: { namespace, name }, spec: { path, salt: name } } };
}

async function createItems(client: Client, drafts: readonly Draft<WorkItem>[]): Promise<void> {
  const writer = client.unfenced();
  const waiting = drafts.values();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of waiting) await writer.create(WorkItem, item);
    }),
  );
}

/** Where nothing collects what a namespace leaves. */
async function removeContents(client: Client): Promise<void> {
  const writer = client.unfenced();
  for (const kind of [WorkItem, Lease]) {
    const { items } = await client.list(kind as typeof Lease, { namespace });
    const waiting = items.values();
    await Promise.all(
      Array.from({ length: PARALLEL }, async () => {
        for (const { metadata } of waiting)
          await writer
            .delete(kind as typeof Lease, { namespace, name: metadata.name })
            .catch((error: unknown) => {
              if (!isNotFound(error)) throw error;
            });
      }),
    );
  }
}
