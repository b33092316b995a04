import type { BundleManifest } from './bundle.ts'
import type { Digest } from './digest.ts'

/** The version a candidate is compared with, wherever it is kept. */
export interface Champion {
  readonly version: number
  readonly bundle: Digest
  readonly manifest: BundleManifest
  /** What its own run's code answered to the held-out rows, where only that code can: kept with the version. */
  readonly answers?: Digest
}
