/** `metav1.MicroTime`: exactly six digits of a second, which the API server insists on. */
export function microTime(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000Z`;
}

/** `now`, or a second after `previous` if that is later: client-go compares renewals by whole seconds, and a wall clock may step back. */
export function laterMicroTime(now: Date, previous: string | undefined): string {
  const earliest = previous ? Date.parse(previous) + 1000 : Number.NEGATIVE_INFINITY;
  return microTime(earliest > now.getTime() ? new Date(earliest) : now);
}
