import { AppError } from '../core/errors.ts'

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** Refuses what cannot be the name of a person or group. */
export function checkName(what: 'person' | 'group', name: string): void {
  if (NAME.test(name)) return
  throw new AppError(
    'INVALID_INPUT',
    `${JSON.stringify(name)} cannot name a ${what}: use 1 to 63 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit.`,
    { name },
  )
}

/** The group's name in `group:risk`, or undefined for a person's name. */
export function groupOf(subject: string): string | undefined {
  return subject.startsWith('group:') ? subject.slice('group:'.length) : undefined
}
