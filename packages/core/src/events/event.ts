import type { CoreV1Event } from '@kubernetes/client-node';
import type { Wire } from '../api/built-in.js';
import { type Resource, resource } from '../api/resource.js';

/** A remark about an object, as `kubectl describe` shows it. The core group's form: it is the one that carries a count. */
export type Event = Wire<CoreV1Event>;
export const Event: Resource<Event> = resource({ group: '', version: 'v1', kind: 'Event' });
