/** Puts custom resource definitions into effect: names accepted, established, served, and cleaned up in the end. */
import type { Json, JsonObject } from '../object/json.js';
import { valueAt } from '../object/json.js';
import type { Change, Stored } from './collection.js';
import { TaskQueue } from './controllers.js';
import { resourcesOf, storageVersion } from './custom-resources.js';
import { definitionFinalizer } from './deletion.js';
import { formatTime } from './environment.js';
import type { Kernel } from './kernel.js';
import { finalizersOf, isTerminating, listAt, objectAt, textAt, withFields, withMetadata } from './meta.js';
import { systemContext } from './write-context.js';

const component = 'crd-controller';
const collection = 'apiextensions.k8s.io/customresourcedefinitions';

const nameConflicts = [
  ['listKind', 'ListKindConflict'],
  ['kind', 'KindConflict'],
  ['singular', 'SingularConflict'],
] as const;

export class DefinitionController {
  readonly #kernel: Kernel;
  readonly #queue: TaskQueue;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#queue = new TaskQueue(kernel.environment);
  }

  start(): () => void {
    const stop = this.#kernel.storage.onChange((change) => this.#onChange(change));
    return () => {
      stop();
      this.#queue.close();
    };
  }

  #onChange({ stored, type }: Change): void {
    if (stored.resource === collection) {
      if (type === 'DELETED') this.#serve(stored.object, false);
      else this.#queue.add(stored.name, () => this.#reconcile(stored.name));
    } else if (type === 'DELETED') this.#onRemoval(stored);
  }

  /** The last custom resource of a definition that is being deleted may have gone. */
  #onRemoval(removed: Stored): void {
    const [group = '', plural = ''] = removed.resource.split('/');
    const definition = this.#find(`${plural}.${group}`);
    if (definition !== undefined && isTerminating(definition.object)) {
      this.#queue.add(definition.name, () => this.#reconcile(definition.name));
    }
  }

  #find(name: string): Stored | undefined {
    return this.#kernel.storage.collection(collection).get('', name);
  }

  #reconcile(name: string): void {
    const stored = this.#find(name);
    if (stored === undefined) return;
    if (isTerminating(stored.object)) this.#cleanUp(stored);
    else this.#establish(stored);
  }

  #establish(stored: Stored): void {
    const next = withFields(stored.object, { status: this.#statusOf(stored.object) });
    const specChanged = valueAt(stored.object, 'metadata', 'generation') !== this.#served.get(stored.name);
    if (JSON.stringify(next['status']) !== JSON.stringify(stored.object['status'])) this.#store(next);
    if (specChanged) this.#serve(stored.object, accepted(next));
    this.#served.set(stored.name, valueAt(stored.object, 'metadata', 'generation') ?? null);
  }

  /** Generations that are being served, so that a change of status does not cut the watches. */
  readonly #served = new Map<string, Json>();

  #serve(definition: JsonObject, isAccepted: boolean): void {
    const spec = objectAt(definition, 'spec');
    const storedAs = `${textAt(spec, 'group')}/${textAt(spec, 'names', 'plural')}`;
    if (!isAccepted) this.#served.delete(textAt(definition, 'metadata', 'name'));
    this.#kernel.registry.replace(storedAs, isAccepted ? resourcesOf(definition) : []);
  }

  #statusOf(definition: JsonObject): JsonObject {
    const conflict = this.#conflict(definition);
    const before = objectAt(definition, 'status');
    const storage = storageVersion(objectAt(definition, 'spec'));
    const known = listAt(before, 'storedVersions');
    const ok = conflict === undefined;
    const { reason, message } = conflict ?? { reason: 'NoConflicts', message: 'no conflicts found' };
    return {
      ...before,
      conditions: [
        this.#condition(before, 'NamesAccepted', ok, reason, message),
        ok
          ? this.#condition(
              before,
              'Established',
              true,
              'InitialNamesAccepted',
              'the initial names have been accepted',
            )
          : this.#condition(before, 'Established', false, 'NotAccepted', 'not all names are accepted'),
      ],
      acceptedNames: ok ? objectAt(definition, 'spec', 'names') : { plural: '', kind: '' },
      storedVersions: known.includes(storage) ? known : [...known, storage],
    };
  }

  #condition(status: JsonObject, type: string, holds: boolean, reason: string, message: string): JsonObject {
    const value = holds ? 'True' : 'False';
    const before = listAt(status, 'conditions').find((condition) => textAt(condition, 'type') === type);
    const since = textAt(before, 'status') === value ? textAt(before, 'lastTransitionTime') : '';
    const lastTransitionTime = since === '' ? formatTime(this.#kernel.environment.now()) : since;
    return { type, status: value, lastTransitionTime, reason, message };
  }

  /** Two definitions of one group may not share a kind or a name. */
  #conflict(definition: JsonObject): { readonly reason: string; readonly message: string } | undefined {
    const own = objectAt(definition, 'spec');
    for (const { object, name } of this.#kernel.storage.collection(collection).list()) {
      if (name === textAt(definition, 'metadata', 'name')) continue;
      if (textAt(object, 'spec', 'group') !== textAt(own, 'group') || !accepted(object)) continue;
      // The last of the names that are taken is the one that is spoken of.
      for (const [field, reason] of nameConflicts) {
        const value = textAt(own, 'names', field);
        if (value === textAt(object, 'spec', 'names', field))
          return { reason, message: `${JSON.stringify(value)} is already in use` };
      }
    }
    return undefined;
  }

  /** Deletes the custom resources first; the definition goes when the last of them is gone. */
  #cleanUp(stored: Stored): void {
    const spec = objectAt(stored.object, 'spec');
    const storedAs = `${textAt(spec, 'group')}/${textAt(spec, 'names', 'plural')}`;
    const resource = this.#kernel.registry.byCollection(storedAs);
    const content = this.#kernel.storage.collection(storedAs);
    if (resource !== undefined) {
      for (const one of content.list()) {
        if (isTerminating(one.object)) continue;
        const options = { propagation: 'Background' } as const;
        this.#kernel.deletion.delete(resource, one, options, systemContext(component, 'delete'));
      }
    }
    if (content.size > 0) return this.#sayTerminating(stored);
    const kept = finalizersOf(stored.object).filter((item) => item !== definitionFinalizer);
    this.#store(withMetadata(stored.object, { finalizers: kept.length > 0 ? [...kept] : undefined }));
  }

  #sayTerminating({ object, name }: Stored): void {
    const current = this.#find(name)?.object ?? object;
    const status = objectAt(current, 'status');
    const conditions = listAt(status, 'conditions').filter((one) => textAt(one, 'type') !== 'Terminating');
    const message = 'CustomResource deletion is in progress';
    const terminating = this.#condition(status, 'Terminating', true, 'InstanceDeletionInProgress', message);
    if (conditions.length < listAt(status, 'conditions').length) return;
    this.#store(withFields(current, { status: { ...status, conditions: [...conditions, terminating] } }));
  }

  /** Writes the status, and the finalizers, as the server's own field manager. */
  #store(definition: JsonObject): void {
    const resource = this.#kernel.registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
    const stored = this.#find(textAt(definition, 'metadata', 'name'));
    if (resource === undefined || stored === undefined) return;
    const context = { ...systemContext('kube-apiserver', 'update'), subresource: 'status' };
    if (isTerminating(definition) && finalizersOf(definition).length === 0) {
      this.#kernel.objects.remove(resource, stored, context);
    } else {
      this.#kernel.objects.replace(resource, definition, context, stored);
    }
  }
}

function accepted(definition: JsonObject): boolean {
  return listAt(definition, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'NamesAccepted' && textAt(condition, 'status') === 'True',
  );
}
