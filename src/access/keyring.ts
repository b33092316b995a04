import { seal, unseal } from './seal.ts'

/**
 * The keys that secrets may be sealed with: the newest seals, and any may open. There is more than one from the
 * beginning of a rotation; those that were replaced are forgotten when the process ends.
 */
export class Keyring {
  readonly #keys: Uint8Array[]
  #turn: Promise<unknown> = Promise.resolve()

  /** Newest first. */
  constructor(newest: Uint8Array, ...others: Uint8Array[]) {
    this.#keys = [newest, ...others]
  }

  add(newest: Uint8Array): void {
    this.#keys.unshift(newest)
  }

  seal(place: string, value: string): string {
    return seal(this.#newest(), place, value)
  }

  /** Fails with DAMAGED where no key fits. */
  unseal(place: string, text: string): string {
    for (const key of this.#keys.slice(0, -1)) {
      const value = tryUnseal(key, place, text)
      if (value !== undefined) return value
    }
    return unseal(this.#keys.at(-1) ?? this.#newest(), place, text)
  }

  isNewest(place: string, text: string): boolean {
    return tryUnseal(this.#newest(), place, text) !== undefined
  }

  /** One after another: what is sealed stands in its row before another key comes. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  #newest(): Uint8Array {
    const [newest] = this.#keys
    if (newest === undefined) throw new Error('a keyring has a key')
    return newest
  }
}

function tryUnseal(key: Uint8Array, place: string, text: string): string | undefined {
  try {
    return unseal(key, place, text)
  } catch {
    // Another key's, or damaged: who asks the last key is told.
    return undefined
  }
}
