import {
  type Authority,
  Lease,
  type ListOptions,
  type Patch,
  type Resource,
  type WatchEvent,
  type WatchOptions,
  type Writer,
  keyOf,
} from '@incumbent/core/client';
import type { FollowOptions, ItemNews, WorkItem } from '../../work/assignment.js';
import { memberOf } from '../../work/session.js';
import type { WorkClient } from '../../work/work-client.js';
import { ListerWatcherOver } from './client.js';
import type { WorkParticipant } from './participant.js';
import type { Item, Items, WorkHooks } from './world.js';

/** One way to break the distribution of work. The simulation must notice. */
export interface WorkMutation {
  readonly name: string;
  readonly hooks: (process: WorkParticipant) => WorkHooks;
}

const ATTEMPT = { timeout: 2000 };

/** Ways to break it, one at a time. */
export const WORK_MUTATIONS: readonly WorkMutation[] = [
  {
    name: 'nothing is fenced: what is written for an item asks no clock',
    hooks: () => ({
      term: (term) => ({ ...unfenced, number: term.number, token: term.token, signal: term.signal }),
    }),
  },
  {
    name: 'the fence is tested when a write is called, not at the socket',
    hooks: () => ({ skipsSocketCheck: true }),
  },
  {
    name: 'a member counts as dead before its lease duration is over',
    hooks: () => ({ client: (client) => alteringLeases(client, (lease) => withDuration(lease, 0.4)) }),
  },
  {
    name: 'silence is death: a member is given up without deleting the version that was seen of its Lease',
    hooks: () => ({
      client: (client) => alteringWrites(client, () => ({ delete: async () => ({}) as never })),
    }),
  },
  {
    name: 'a silent member’s Lease is deleted whatever its version',
    hooks: () => ({
      client: (client) =>
        alteringWrites(client, (writer) => ({ delete: (kind, key) => writer.delete(kind, key, ATTEMPT) })),
    }),
  },
  {
    name: 'a Lease that somebody deleted ends its session at once',
    hooks: () => ({ client: (client) => alteringLeases(client, (lease) => lease, 'deletions release') }),
  },
  {
    name: 'what is asked back is given to others without waiting for it',
    hooks: () => ({
      items: (items) => ({
        ...bound(items),
        assign: (item, assignment, authority) =>
          items.assign(
            item,
            assignment.revoked ? { ...assignment, session: undefined, revoked: false } : assignment,
            authority,
          ),
      }),
    }),
  },
  { name: 'an item is given back while its work still runs', hooks: () => ({ items: givingBackAtOnce }) },
  {
    name: 'an item is given back while a write for it may still take effect',
    hooks: () => ({ forgetsLateWrites: true }),
  },
  {
    name: 'assignments are written whatever the version of the item',
    hooks: () => ({ client: (client) => alteringWrites(client, assigningAnyVersion) }),
  },
  {
    name: 'results are recorded whatever the version of the item',
    hooks: () => ({ client: (client) => alteringWrites(client, recordingOverAnyVersion) }),
  },
  {
    name: 'a member goes on with what an earlier session of it was assigned',
    hooks: () => ({ items: ofAnySession }),
  },
];

const unfenced = {
  remaining: () => Number.POSITIVE_INFINITY,
  assertHeld: () => {},
  mayStillCommit: () => () => {},
};

function bound(items: Items): Items {
  return {
    follow: (options, listener) => items.follow(options, listener),
    read: (id, options) => items.read(id, options),
    assign: (item, assignment, authority) => items.assign(item, assignment, authority),
    finish: (item, result, authority) => items.finish(item, result, authority),
  };
}

/** Seen: asked for it back. Done: given back, then and there. */
function givingBackAtOnce(items: Items): Items {
  return {
    ...bound(items),
    follow: (options, listener) =>
      items.follow(options, (news) => {
        if (options.session !== undefined && news.type === 'changed' && news.item.assignment.revoked)
          void items
            .assign(
              news.item,
              { ...news.item.assignment, session: undefined, revoked: false },
              { ...unfenced, signal: options.signal },
            )
            .catch(() => {});
        listener(news);
      }),
  };
}

/** All that bears the member's name is shown as if it were of the present session. */
function ofAnySession(items: Items): Items {
  let present: string | undefined;
  const shown = (item: WorkItem<Item>): WorkItem<Item> => {
    const { session } = item.assignment;
    const own = present !== undefined && session !== undefined && memberOf(session) === memberOf(present);
    return own ? { ...item, assignment: { ...item.assignment, session: present } } : item;
  };
  const following = (options: FollowOptions, listener: (news: ItemNews<Item>) => void): Promise<void> => {
    if (options.session === undefined) return items.follow(options, listener);
    present = options.session;
    return items.follow({ ...options, session: undefined }, (news) => {
      if (news.type === 'gone') listener(news);
      else if (news.type === 'changed') listener({ ...news, item: shown(news.item) });
      else listener({ ...news, items: news.items.map(shown) });
    });
  };
  return {
    ...bound(items),
    follow: following,
    read: async (id, options) => {
      const item = await items.read(id, options);
      return item && shown(item);
    },
  };
}

function withDuration(lease: Lease, share: number): Lease {
  const { leaseDurationSeconds = 0 } = lease.spec ?? {};
  return { ...lease, spec: { ...lease.spec, leaseDurationSeconds: leaseDurationSeconds * share } };
}

function alteringWrites(client: WorkClient, alter: (writer: Writer) => Partial<Writer>): WorkClient {
  return {
    ...boundClient(client),
    under: (authority: Authority): Writer => {
      const writer = client.under(authority);
      return { ...writer, ...alter(writer) };
    },
  };
}

function assigningAnyVersion(writer: Writer): Partial<Writer> {
  return {
    patch: (kind, key, { type, patch }, options) => {
      const { resourceVersion: _, ...metadata } = (patch as { metadata: Record<string, unknown> }).metadata;
      return writer.patch(kind, key, { type, patch: { metadata } } as Patch, options);
    },
  };
}

function recordingOverAnyVersion(writer: Writer): Partial<Writer> {
  return {
    updateStatus: (kind, object, options) => {
      const { status } = object as unknown as Item;
      return writer.patch(kind, keyOf(object), { type: 'merge', patch: { status } }, options);
    },
  };
}

/** Alters what is seen of Leases through lists and watches. */
function alteringLeases(
  client: WorkClient,
  alter: (lease: Lease) => Lease,
  deletions: 'are told' | 'deletions release' = 'are told',
): WorkClient {
  const seen = (event: WatchEvent<Lease>): WatchEvent<Lease> => {
    if (event.type === 'BOOKMARK') return event;
    if (event.type !== 'DELETED' || deletions === 'are told')
      return { ...event, object: alter(event.object) };
    const spec = { ...event.object.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    return { type: 'MODIFIED', object: { ...event.object, spec } };
  };
  const altered: WorkClient = {
    ...boundClient(client),
    list: async (kind: Resource<never>, options?: ListOptions) => {
      const list = await client.list(kind, options);
      return isLease(kind) ? { ...list, items: (list.items as Lease[]).map(alter) as never[] } : list;
    },
    watch: async function* (kind: Resource<never>, options?: WatchOptions) {
      for await (const event of client.watch(kind, options))
        yield (isLease(kind) ? seen(event as unknown as WatchEvent<Lease>) : event) as never;
    },
    stream: (kind, options = {}) => new ListerWatcherOver(altered, kind, options),
  } as WorkClient;
  return altered;
}

function isLease({ kind }: { readonly kind: string }): boolean {
  return kind === Lease.kind;
}

function boundClient(client: WorkClient): WorkClient {
  return {
    get: (kind, key, options) => client.get(kind, key, options),
    list: (kind, options) => client.list(kind, options),
    watch: (kind, options) => client.watch(kind, options),
    stream: (kind, options) => client.stream(kind, options),
    under: (authority) => client.under(authority),
  };
}
