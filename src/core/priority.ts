/**
 * How much of what is scarce a project gets beside others: twice the weight, twice as much. Policy of the
 * installation, set by an administrator; a pipeline file cannot raise its own.
 */
export const PRIORITIES = { high: 4, normal: 2, low: 1 } as const

export type Priority = keyof typeof PRIORITIES
