import { hash } from 'node:crypto'

/**
 * A number in [0, 1) that depends on nothing but the salt and the key: who had the challenger at 5 % has it
 * at 50 % too. Bytes of a cryptographic hash, because keys like customer numbers are anything but random.
 */
export function bucketOf(salt: string, key: string): number {
  const digest = hash('sha256', `${salt}\0${key}`, 'buffer')
  return digest.readUIntBE(0, 6) / 2 ** 48
}

/** The arm of a key: the challenger for buckets below its share, else the champion. */
export function chooseArm<Choice extends { readonly arm: 'champion' | 'challenger'; readonly weight: number }>(
  arms: readonly [Choice, ...Choice[]],
  salt: string,
  key: string,
): Choice {
  const challenger = arms.find((candidate) => candidate.arm === 'challenger')
  const champion = arms.find((candidate) => candidate.arm === 'champion')
  if (challenger === undefined || champion === undefined) return arms[0]
  if (challenger.weight <= 0) return champion
  if (champion.weight <= 0) return challenger
  return bucketOf(salt, key) < challenger.weight / (challenger.weight + champion.weight) ? challenger : champion
}
