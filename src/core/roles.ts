/**
 * What a person may be in a project, from least to most. Testers and approvers are not developers and the
 * other way round; maintainers are all three. Being allowed to approve is not being asked to: the
 * reviewers and testers a pipeline file names decide that.
 */
export const ROLES = {
  viewer: { includes: ['viewer'], meaning: 'sees runs, logs, models, deployments and alerts' },
  developer: { includes: ['viewer', 'developer'], meaning: 'pushes, starts, cancels and reruns; sends labels' },
  tester: { includes: ['viewer', 'tester'], meaning: 'judges acceptance cases and signs' },
  approver: { includes: ['viewer', 'approver'], meaning: 'approves, rejects and rolls back deployments' },
  maintainer: {
    includes: ['viewer', 'developer', 'tester', 'approver', 'maintainer'],
    meaning: 'waives gates, sets secrets, deploys by hand, clears refused digests',
  },
  admin: {
    includes: ['viewer', 'developer', 'tester', 'approver', 'maintainer', 'admin'],
    meaning: 'creates and removes projects, adds people and groups, collects garbage',
  },
} as const satisfies Record<string, { includes: readonly string[]; meaning: string }>

export type Role = keyof typeof ROLES

export function roleIncludes(held: Role, needed: Role): boolean {
  return (ROLES[held].includes as readonly string[]).includes(needed)
}
