/** Keeps a PersistentVolumeClaim for each EphemeralVolumeClaim, and ends both when their time is over. */
import {
  Controller,
  dependent,
  Dependents,
  isApiError,
  isNotFound,
  patchStatus,
  PersistentVolumeClaim,
  type ReconcileContext,
  type ReconcileResult,
  type Reconciler,
  requeueAfter,
  setCondition,
  TerminalError,
  Timer,
} from '@incumbent/core';
import { EphemeralVolumeClaim, type ReadonlyEphemeralVolumeClaim } from './ephemeral-volume-claim.js';

type Condition = Parameters<typeof setCondition>[1];

/** Milliseconds between two looks at a claim's age: as late as a shorter lifetime may be noticed. */
const LOOK = 30_000;

// Applied, so that the server knows which labels are ours: one that leaves the claim leaves the volume, and others' stay.
const volume = dependent(PersistentVolumeClaim, {
  of: EphemeralVolumeClaim,
  desired: ({ spec, metadata: { labels = {} } }) => ({
    metadata: { labels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: spec.size } } },
  }),
  ready: ({ status }) => status?.phase === 'Bound',
});
const dependents = new Dependents(volume);

@Controller({ for: EphemeralVolumeClaim, owns: dependents.kinds })
export class EphemeralVolumeClaimController implements Reconciler<EphemeralVolumeClaim> {
  async reconcile(claim: ReadonlyEphemeralVolumeClaim, context: ReconcileContext): Promise<void> {
    const { size } = claim.spec;
    if (!isSize(size)) await this.#refuse(claim, context, 'InvalidSize', `spec.size "${size}" is no size.`);
    try {
      const { condition } = await dependents.reconcile(claim, context);
      await this.#report(claim, context, condition);
    } catch (error) {
      // A volume can't shrink, nor grow before it is bound. That it is bound wakes us.
      if (!isApiError(error) || error.statusCode !== 422) throw error;
      await this.#refuse(claim, context, 'Refused', error.message);
    }
  }

  /** The volume is garbage without its claim, and is collected. */
  @Timer(LOOK)
  async expire(claim: ReadonlyEphemeralVolumeClaim, context: ReconcileContext): Promise<ReconcileResult> {
    const { client, clock, key, log } = context;
    const { creationTimestamp, uid } = claim.metadata;
    const { lifetimeSeconds = Number.POSITIVE_INFINITY } = claim.spec;
    const left = Date.parse(creationTimestamp) + lifetimeSeconds * 1000 - clock.wall().getTime();
    if (left > 0) return requeueAfter(Math.min(left, LOOK));
    try {
      await client.delete(EphemeralVolumeClaim, key, { preconditions: { uid } });
      log.info({ lifetimeSeconds }, 'deleted: its time is over');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Trying again can't help before something changes. */
  async #refuse(
    claim: ReadonlyEphemeralVolumeClaim,
    context: ReconcileContext,
    reason: string,
    message: string,
  ): Promise<never> {
    const { generation } = claim.metadata;
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    await this.#report(claim, context, { type: 'Ready', status: 'False', reason, message, ...observed });
    throw new TerminalError(message);
  }

  async #report(
    claim: ReadonlyEphemeralVolumeClaim,
    { cache, client, clock, key }: ReconcileContext,
    condition: Condition,
  ): Promise<void> {
    const capacity = cache.get(PersistentVolumeClaim, key)?.status?.capacity?.['storage'];
    await patchStatus(client, EphemeralVolumeClaim, claim, (draft) => {
      const conditions = setCondition(claim.status?.conditions, condition, clock.wall());
      draft.status = { ...(capacity !== undefined && { capacity }), conditions };
    });
  }
}

/** A quantity above zero, as Kubernetes writes it. */
function isSize(text: string): boolean {
  return /^\d+(\.\d+)?([EPTGMK]i|[EPTGMk]|[eE]\d+)?$/.test(text) && Number.parseFloat(text) > 0;
}
