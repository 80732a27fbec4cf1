/** The processes of a command: its process group, and where `/proc` tells of it the rest of its session. */
import { readFileSync, readdirSync } from 'node:fs';

/** `leader`: the command's process id, which leads a session and a group of that number. */
export function signalSession(leader: number, signal: NodeJS.Signals): void {
  signalOne(-leader, signal);
  for (const { pid, group } of membersOf(leader) ?? []) if (group !== leader) signalOne(pid, signal);
}

/** Whether any of it still runs. Those who have ended and wait to be reaped do not count where `/proc` tells them apart. */
export function isSessionAlive(leader: number): boolean {
  const members = membersOf(leader);
  return members ? members.length > 0 : signalOne(-leader, 0);
}

interface Member {
  readonly pid: number;
  readonly group: number;
}

const DEAD_STATES = 'ZXx';

function membersOf(leader: number): readonly Member[] | undefined {
  let names: readonly string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  const processes = names.filter((name) => /^\d+$/.test(name));
  // Where there is a /proc of another kind.
  if (processes.length === 0) return undefined;
  return processes.flatMap((name) => {
    const [state = '', , group, session] = statOf(name);
    const isMember = Number(session) === leader && !DEAD_STATES.includes(state);
    return isMember ? [{ pid: Number(name), group: Number(group) }] : [];
  });
}

/** The fields after the name, which may have spaces and brackets in it: state, parent, group, session. */
function statOf(pid: string): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ', 4);
  } catch {
    return [];
  }
}

/** Returns whether there was somebody. */
function signalOne(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
