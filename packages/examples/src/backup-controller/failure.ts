/** What can go wrong with a backup, in the words that its condition and its Event show. */
import { types } from 'node:util';

export type FailureReason =
  | 'ScheduleInvalid'
  | 'SourceOutsideRoots'
  | 'SourceMissing'
  | 'SourceUnreadable'
  | 'SourceNotDatabase'
  | 'SourceBusy'
  | 'DestinationOutsideRoots'
  | 'DestinationMissing'
  | 'DestinationNotDirectory'
  | 'DestinationFull'
  | 'DestinationReadOnly'
  | 'DestinationUnsupported'
  | 'ArchiveExists'
  | 'Corrupt'
  | 'BackupFailed';

/** A failure that somebody can act on: `reason` is the condition's reason, the message says what to do. */
export class BackupFailure extends Error {
  override readonly name = 'BackupFailure';

  constructor(
    readonly reason: FailureReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether trying again is pointless until somebody edits the Backup, or the operator's roots. */
  get needsEdit(): boolean {
    return this.reason === 'ScheduleInvalid' || this.reason.endsWith('OutsideRoots');
  }
}

/** What was worked on when an error came up: the same code means different things at either end. */
export type Place = { readonly source: string } | { readonly destination: string };

/** Runs `work`. Errors of the file system and of SQLite become failures; others (an abort, a lost term) pass. */
export async function during<T>(place: Place, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw causeCode(error) === undefined ? error : toFailure(error, place);
  }
}

/** The failure that `error` means at `place`. Takes whatever was thrown; what it does not know is `BackupFailed`. */
export function toFailure(error: unknown, place: Place): BackupFailure {
  if (error instanceof BackupFailure) return error;
  const [path, rules] =
    'source' in place ? [place.source, SOURCE_RULES] : [place.destination, DESTINATION_RULES];
  const code = causeCode(error);
  const rule = rules.find(({ codes }) => code !== undefined && codes.includes(code));
  const { reason, sentence } = rule ?? unknownRule(error);
  return new BackupFailure(reason, `${path} ${sentence}`, { cause: error });
}

interface Rule {
  readonly codes: readonly string[];
  readonly reason: FailureReason;
  readonly sentence: string;
}

const SOURCE_RULES: readonly Rule[] = [
  {
    codes: ['ENOENT', 'ENOTDIR'],
    reason: 'SourceMissing',
    sentence: 'does not exist: create the database, or correct spec.source.sqlite.path.',
  },
  {
    codes: ['EACCES', 'EPERM', 'SQLITE_CANTOPEN', 'SQLITE_READONLY'],
    reason: 'SourceUnreadable',
    sentence:
      "cannot be opened: let the operator's user read it and, for a database in WAL mode, write beside it.",
  },
  {
    codes: ['SQLITE_NOTADB'],
    reason: 'SourceNotDatabase',
    sentence: 'is not an SQLite database: correct spec.source.sqlite.path.',
  },
  {
    codes: ['SQLITE_BUSY', 'SQLITE_LOCKED'],
    reason: 'SourceBusy',
    sentence: 'is locked by the program that writes it: shorten its transactions, or use WAL mode.',
  },
  {
    codes: ['SQLITE_CORRUPT'],
    reason: 'Corrupt',
    sentence: 'is damaged: run "PRAGMA integrity_check" on it, and restore the last good archive.',
  },
];

const DESTINATION_RULES: readonly Rule[] = [
  {
    codes: ['ENOSPC', 'EDQUOT', 'EFBIG', 'SQLITE_FULL'],
    reason: 'DestinationFull',
    sentence: 'has no room left: enlarge the volume, or lower spec.keep.',
  },
  {
    codes: ['EROFS', 'EACCES', 'EPERM', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'],
    reason: 'DestinationReadOnly',
    sentence: "cannot be written to: mount the volume writable, and let the operator's user write there.",
  },
  {
    codes: ['ENOENT'],
    reason: 'DestinationMissing',
    sentence: 'went away while the backup ran: check its volume; the next try makes the directory again.',
  },
  {
    codes: ['ENOTDIR', 'EEXIST'],
    reason: 'DestinationNotDirectory',
    sentence: 'leads through a file: correct spec.destination.directory.',
  },
  {
    codes: ['SQLITE_CORRUPT', 'SQLITE_NOTADB'],
    reason: 'Corrupt',
    sentence: 'would hold a damaged copy: run "PRAGMA integrity_check" on the source database.',
  },
];

function unknownRule(error: unknown): Rule {
  const text = types.isNativeError(error) ? error.message : String(error);
  return { codes: [], reason: 'BackupFailed', sentence: `failed and is tried again: ${text}` };
}

/** SQLite's primary result codes that the rules know; an extended code carries its primary one in the low byte. */
const SQLITE_CODES: Partial<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
};

/** `ENOSPC`, `SQLITE_FULL`, ...; undefined for errors that neither the file system nor SQLite made. */
export function causeCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, syscall, errcode } = error as { code?: unknown; syscall?: unknown; errcode?: unknown };
  if (code === 'ERR_SQLITE_ERROR') return SQLITE_CODES[Number(errcode) & 0xff] ?? 'SQLITE_ERROR';
  return typeof code === 'string' && typeof syscall === 'string' ? code : undefined;
}
