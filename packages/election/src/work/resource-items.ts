import {
  type Authority,
  Client,
  type Connection,
  IncumbentError,
  type KubernetesObject,
  Reflector,
  type Resource,
  formatKey,
  isNotFound,
  keyOf,
  parseKey,
} from '@incumbent/core/client';
import { type GatheredEvent, Gathering } from '../lease/gathering.js';
import type { AttemptOptions } from '../lease/lease-port.js';
import type { Assignment, FollowOptions, ItemNews, WorkItem, WorkItems } from './assignment.js';
import { Problems } from './problems.js';
import type { WorkClient } from './work-client.js';

/** On an item: the session that it is assigned to. */
export const SESSION_LABEL = 'work.incumbent.dev/session';
/** On an item: how often it was assigned. */
export const EPOCH_ANNOTATION = 'work.incumbent.dev/epoch';
/** On an item that its member is asked to give back. */
export const REVOKED_ANNOTATION = 'work.incumbent.dev/revoked';

/** An object whose status the work writes. */
export type WithStatus = KubernetesObject & { status?: unknown };

export interface ResourceItemsOptions<T extends WithStatus> {
  readonly resource: Resource<T>;
  /** Whether the item needs no more work, by the status that the work returned. Asked often: it should be quick. */
  readonly isDone: (item: T) => boolean;
  readonly connection?: Connection;
  /** @defaultValue the connection's */
  readonly namespace?: string | undefined;
  /** Only items with these labels. @defaultValue all in the namespace */
  readonly labelSelector?: string | undefined;
  /** Instead of a connection: for tests. */
  readonly client?: WorkClient;
}

/**
 * Items of work that are Kubernetes objects: assigned by a label and two annotations, done by their status, which needs to be a
 * subresource. Members watch only what is theirs.
 */
export class ResourceItems<T extends WithStatus> implements WorkItems<T, NonNullable<T['status']>> {
  readonly #options: ResourceItemsOptions<T>;
  readonly #client: WorkClient;
  readonly #namespace: string;

  constructor(options: ResourceItemsOptions<T>) {
    const { connection, client = connection && new Client(connection) } = options;
    if (!client)
      throw new IncumbentError('WORK_CONNECTION', `Items of ${options.resource.kind}: give a connection.`);
    this.#options = options;
    this.#client = client;
    this.#namespace = options.namespace ?? connection?.namespace ?? 'default';
  }

  follow({ session, signal, ...parts }: FollowOptions, listener: (news: ItemNews<T>) => void): Promise<void> {
    const { resource, labelSelector } = this.#options;
    const mine = session === undefined ? undefined : `${SESSION_LABEL}=${session}`;
    const labels = [labelSelector, mine].filter(Boolean).join(',');
    const selector = { namespace: this.#namespace, ...(labels ? { labelSelector: labels } : {}) };
    const reflector = new Reflector({ resource, reader: this.#client, selector, ...parts });
    const problems = new Problems(parts.log);
    const gathering = new Gathering<T, T>(({ object }) => object);
    return reflector.run(signal, (told) => {
      const event = gathering.take(told);
      if (!event) return;
      if (event.type === 'failed') problems.tell(`Items of ${resource.kind} could not be read`, event.error);
      const news = this.#newsOf(event);
      if (news) problems.over();
      if (news) listener(news);
    });
  }

  async read(id: string, options: AttemptOptions): Promise<WorkItem<T> | undefined> {
    try {
      return this.#itemOf(await this.#client.get(this.#options.resource, parseKey(id), options));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** A merge patch with the version in it: as conditional as a PUT, and it touches nothing of what others wrote. */
  async assign(
    { value, version }: WorkItem<T>,
    { session = null, epoch, revoked }: Assignment | (Omit<Assignment, 'session'> & { session?: null }),
    authority: Authority,
  ): Promise<WorkItem<T>> {
    const patch = {
      metadata: {
        resourceVersion: version,
        labels: { [SESSION_LABEL]: session },
        annotations: { [EPOCH_ANNOTATION]: String(epoch), [REVOKED_ANNOTATION]: revoked ? 'true' : null },
      },
    };
    const writer = this.#client.under(authority);
    return this.#itemOf(await writer.patch(this.#options.resource, keyOf(value), { type: 'merge', patch }));
  }

  async finish(
    { value }: WorkItem<T>,
    status: NonNullable<T['status']>,
    authority: Authority,
  ): Promise<WorkItem<T>> {
    const writer = this.#client.under(authority);
    return this.#itemOf(await writer.updateStatus(this.#options.resource, { ...value, status }));
  }

  #newsOf(event: GatheredEvent<T, T>): ItemNews<T> | undefined {
    switch (event.type) {
      case 'replaced':
        return { type: 'replaced', items: event.items.map((object) => this.#itemOf(object)) };
      case 'applied':
        return { type: 'changed', item: this.#itemOf(event.object) };
      case 'deleted':
        return { type: 'gone', id: formatKey(keyOf(event.object)) };
      case 'failed':
        return undefined;
    }
  }

  #itemOf(object: T): WorkItem<T> {
    const { labels = {}, annotations = {}, uid, resourceVersion } = object.metadata;
    const epoch = Number(annotations[EPOCH_ANNOTATION]);
    return {
      id: formatKey(keyOf(object)),
      idempotencyKey: uid,
      version: resourceVersion,
      done: object.metadata.deletionTimestamp !== undefined || this.#options.isDone(object),
      assignment: {
        session: labels[SESSION_LABEL],
        epoch: Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0,
        revoked: annotations[REVOKED_ANNOTATION] === 'true',
      },
      value: object,
    };
  }
}
