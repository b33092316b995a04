import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AppError } from '../core/errors.ts'

/**
 * AES-256-GCM. `place` (project and name) is authenticated with the value, so that a row copied to another
 * project or name does not open. Random 96-bit nonces are safe for far more secrets than there will be.
 */
export function seal(key: Uint8Array, place: string, value: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place))
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
  return ['v1', nonce, cipher.getAuthTag(), sealed]
    .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
    .join('.')
}

/** Fails with DAMAGED when the key is another one, or the row was changed or moved. */
export function unseal(key: Uint8Array, place: string, text: string): string {
  try {
    const [version, nonce, tag, sealed] = text.split('.')
    if (version !== 'v1' || nonce === undefined || tag === undefined || sealed === undefined) throw new Error('shape')
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(place)).setAuthTag(Buffer.from(tag, 'base64url'))
    return Buffer.concat([decipher.update(Buffer.from(sealed, 'base64url')), decipher.final()]).toString('utf8')
  } catch (error) {
    throw new AppError(
      'DAMAGED',
      `The secret ${place} does not open with this installation's keys/secrets.key. Restore the key file of the backup, or set the secret again.`,
      {},
      { cause: error },
    )
  }
}
