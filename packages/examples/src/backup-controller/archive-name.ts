/** The names of archives: they say whose archive it is, for which tick, and under which term it was made. */
import { createHash } from 'node:crypto';

/** The Backup that archives belong to. */
export interface ArchiveOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface ArchiveLabel {
  readonly tick: Date;
  readonly term: { readonly number: number; readonly token: string };
}

export interface ParsedArchive extends ArchiveLabel {
  /** What stands before the tick: equal for all archives of one Backup, and for no other. */
  readonly owner: string;
}

/**
 * The longest name, in bytes. File systems take 255; the rest is for the wrapping of an archive that is being made.
 *
 * A namespace (63) and a name (253) can be longer than that together: see {@link ownerPart}.
 */
const MAX_LENGTH = 248;

const MAX_TAIL = '.20261123T190500Z.t-.sqlite'.length + 10 + 20; // a 32-bit term and a 64-bit token

/**
 * `default.orders.1b9d6bcd.20261123T190500Z.t3-1234.sqlite`
 *
 * @throws TypeError for a uid that is not a UUID, a tick with fractions of a second, a token that is not a number
 */
export function formatArchiveName(owner: ArchiveOwner, { tick, term }: ArchiveLabel): string {
  const file = `${ownerPart(owner)}.${compact(tick)}.t${term.number}-${term.token}.sqlite`;
  if (parseArchiveName(file)?.tick.getTime() === tick.getTime()) return file;
  throw new TypeError(`"${file}" is no name for an archive: check uid, tick and term.`);
}

/** Undefined for every string that {@link formatArchiveName} would not write. */
export function parseArchiveName(file: string): ParsedArchive | undefined {
  const match = ARCHIVE.exec(file);
  const [, owner = '', digits = '', number = '', token = ''] = match ?? [];
  const tick = new Date(digits.replace(COMPACT, '$1-$2-$3T$4:$5:$6.000Z'));
  if (Number.isNaN(tick.getTime()) || compact(tick) !== digits) return undefined;
  return { owner, tick, term: { number: Number(number), token } };
}

/**
 * Namespaces have no dots, and the part of the uid is of one length: names with dots stay unambiguous.
 *
 * A name that makes the whole too long is cut and ends in `~` and its hash. No Kubernetes name has a `~` in it.
 */
export function ownerPart({ namespace, name, uid }: ArchiveOwner): string {
  const end = `.${uid.slice(0, 8)}`;
  const room = MAX_LENGTH - MAX_TAIL - namespace.length - 1 - end.length;
  return `${namespace}.${name.length <= room ? name : shortened(name, room)}${end}`;
}

/** Orders by tick, then by token, which rises from term to term: the newest first. */
export function newestFirst(a: ArchiveLabel, b: ArchiveLabel): number {
  const ticks = b.tick.getTime() - a.tick.getTime();
  return ticks !== 0 ? ticks : compareTokens(b.term.token, a.term.token);
}

/** Compares tokens as unsigned integers, of whatever length. */
export function compareTokens(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b);
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

const ARCHIVE =
  /^([a-z0-9-]{1,63}\.[a-z0-9.-]+(?:~[0-9a-f]{12})?\.[0-9a-f]{8})\.(\d{8}T\d{6}Z)\.t(0|[1-9]\d{0,9})-(0|[1-9]\d{0,19})\.sqlite$/;

const COMPACT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

function compact(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function shortened(name: string, length: number): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, length - 13)}~${hash}`;
}
