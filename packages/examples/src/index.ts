/** Operators to copy from. */
export { Backup, type BackupStatus } from './backup-controller/backup.js';
export { BackupController, ROOTS } from './backup-controller/backup-controller.js';
export { type Roots } from './backup-controller/roots.js';
