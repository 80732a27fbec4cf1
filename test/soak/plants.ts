/** What a replica can do wrong on purpose, to see that it is noticed. */
export const PLANTS = ['memory', 'key', 'timer', 'listener', 'socket'] as const;
export type Plant = (typeof PLANTS)[number];
