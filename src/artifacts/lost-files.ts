import { AppError } from '../core/errors.ts'
import type { Digest } from '../core/digest.ts'
import { isLostContent, lostFilesOf, type LostFile } from '../core/lost-content.ts'
import type { Store } from '../core/ports/store.ts'
import { counted } from '../lib/counted.ts'

/** Set aside at once, so that whoever can make it again finds its place free. */
export async function damaged(store: Store, digest: Digest): Promise<AppError> {
  await store.setAside(digest)
  return new AppError(
    'DAMAGED',
    `What the store kept as ${digest} has another digest: it was changed on the disk. It is set aside now, in \`damaged\` of the store's folder.`,
    { digest },
  )
}

/** Of files of a folder that stands at `path`. */
export function lostBelow(path: string, error: unknown): unknown {
  if (!isLostContent(error)) return error
  const lost = lostFilesOf(error).map((file) => ({ ...file, path: `${path}/${file.path}` }))
  return new AppError(error.code, `In ${path}: ${error.message}`, { ...error.details, lost }, { cause: error })
}

const MOST_NAMED = 20

/** One error for all files that could not be written, so that one look finds everything that is to be made again. */
export class LostFiles {
  readonly #lost: LostFile[] = []
  #first: AppError | undefined

  /** Other errors are thrown on. */
  async note(path: string, write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      if (!isLostContent(error)) throw error
      this.#first ??= error
      this.#lost.push({ path, digest: error.details['digest'] as Digest })
    }
  }

  throwIfAny(): void {
    const [first] = this.#lost
    if (first === undefined || this.#first === undefined) return
    const more = this.#lost.length === 1 ? '' : ` So it is with ${counted(this.#lost.length - 1, 'more file')}.`
    const message = `${first.path} cannot be put into place: ${this.#first.message}${more}`
    const details = { digest: first.digest, lost: this.#lost.slice(0, MOST_NAMED) }
    throw new AppError(this.#first.code, message, details, { cause: this.#first })
  }
}
