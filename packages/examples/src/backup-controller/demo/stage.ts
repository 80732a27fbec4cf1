/** Sets the stage: a cluster with the operator's definitions and rules, a database that is written to, and Backups of it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { Client } from '@incumbent/core';
import { Backup } from '../backup.js';
import {
  type DemoCluster,
  embeddedCluster,
  givenCluster,
  serviceAccountToken,
  writeTokenKubeconfig,
} from '../../demo/cluster.js';
import { CreatedObjects, describe, resourceOf, served } from '../../demo/resources.js';
import { UndoList } from '../../demo/undo-list.js';
import { operatorManifests } from './manifests.js';

export const LEASE = { namespace: 'operators', name: 'backup-controller' };
const { namespace: NAMESPACE, name: SERVICE_ACCOUNT } = LEASE;

/** Backups of one database, on two schedules. */
const BACKUPS = [
  { name: 'orders', schedule: '@every 4s', keep: 20 },
  { name: 'orders-offsite', schedule: '@every 10s', keep: 5 },
];

export interface Stage {
  readonly cluster: DemoCluster;
  readonly client: Client;
  readonly directory: string;
  readonly sourceRoot: string;
  readonly destinationRoot: string;
  /** Path of the kubeconfig that the replicas get: of the operator's ServiceAccount, with its rules and no more. */
  readonly replicaKubeconfig: string;
  /** On a cluster that somebody gave: removes the Backups, for which the operator must still run. */
  removeBackups(): Promise<void>;
  /** Strikes everything that was set, in reverse order. */
  end(): Promise<void>;
}

/** @param kubeconfig of a cluster to use, instead of an embedded API server */
export async function setStage(kubeconfig: string | undefined, say: (line: string) => void): Promise<Stage> {
  const undo = new UndoList();
  try {
    return await set(kubeconfig, say, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function set(
  kubeconfig: string | undefined,
  say: (line: string) => void,
  undo: UndoList,
): Promise<Stage> {
  const directory = await mkdtemp(join(os.tmpdir(), 'incumbent-'));
  const [sourceRoot, destinationRoot] = [join(directory, 'data'), join(directory, 'backups')];
  await Promise.all([sourceRoot, destinationRoot, join(directory, 'logs')].map((path) => mkdir(path)));

  const cluster = await (kubeconfig === undefined
    ? embeddedCluster(directory, LEASE)
    : givenCluster(kubeconfig));
  undo.add(() => cluster.end());
  const client = new Client(cluster.connection);

  const database = join(sourceRoot, 'orders.sqlite');
  const writer = await startWriter(database);
  undo.add(() => endProcess(writer));

  const installed = new CreatedObjects(client);
  const backups = new CreatedObjects(client);
  // An embedded server takes everything with it.
  const given = kubeconfig !== undefined;
  if (given) undo.add(() => installed.remove());
  await install(installed, kubeconfig, say);
  await createBackups(client, backups, database, destinationRoot);
  const replicaKubeconfig = join(directory, 'replica.kubeconfig');
  await writeTokenKubeconfig(
    replicaKubeconfig,
    cluster.kubeconfig,
    await serviceAccountToken(cluster.connection, { namespace: NAMESPACE, name: SERVICE_ACCOUNT }),
    NAMESPACE,
  );
  return {
    cluster,
    client,
    directory,
    sourceRoot,
    destinationRoot,
    replicaKubeconfig,
    removeBackups: async () => {
      if (given) await backups.remove();
    },
    end: () => undo.run(),
  };
}

async function install(
  created: CreatedObjects,
  kubeconfig: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  const manifests = await operatorManifests();
  if (kubeconfig !== undefined) {
    say(`In the cluster of ${kubeconfig} this creates, where it is not there yet, and removes at the end:`);
    for (const text of [
      ...manifests.map(describe),
      ...BACKUPS.map(({ name }) => `Backup ${NAMESPACE}/${name}`),
    ])
      say(`  ${text}`);
  }
  for (const manifest of manifests) await created.create(resourceOf(manifest), manifest);
}

async function createBackups(
  client: Client,
  created: CreatedObjects,
  database: string,
  destinationRoot: string,
): Promise<void> {
  await served(client, Backup, NAMESPACE);
  for (const { name, schedule, keep } of BACKUPS) {
    await created.create(Backup, {
      metadata: { name, namespace: NAMESPACE },
      spec: {
        schedule,
        keep,
        source: { sqlite: { path: database } },
        destination: { directory: join(destinationRoot, name) },
        suspend: false,
        // On a cluster that somebody gave, the Backups are removed at the end; the archives are what the demo leaves.
        deletionPolicy: 'Retain',
      },
    });
  }
}

async function startWriter(database: string): Promise<ChildProcess> {
  const writer = fork(new URL('./database-writer.js', import.meta.url), [database], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const failed = once(writer, 'exit').then(() =>
    Promise.reject(new Error('The program that writes to the database ended at once.')),
  );
  await Promise.race([once(writer, 'message'), failed]);
  failed.catch(() => {});
  return writer;
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}
