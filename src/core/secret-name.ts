import { z } from 'zod'

/**
 * What a secret may be called: by whoever sets it, and by the steps that name it. It becomes a variable, so it is
 * not one of those that say where programs, libraries and our own server are found.
 */
export const SecretName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'a secret is named like an environment variable, as WAREHOUSE_TOKEN')
  .refine((name) => !isReservedVariable(name), 'Tidegate or the system sets this variable: choose another name')

/** Variables of which a secret of the same name would break or mislead the step. */
export function isReservedVariable(name: string): boolean {
  return /^(TIDEGATE_|LD_)/.test(name) || ['PATH', 'HOME', 'TMPDIR'].includes(name)
}
