export interface SoakOptions {
  /** The same seed chooses the same. */
  readonly seed: number
  readonly kills?: number
  readonly say: (line: string) => void
}

export interface SoakResult {
  /** Rows of the page: what, and how much. */
  readonly figures: readonly (readonly [what: string, figure: string])[]
  /** What should not have happened, in sentences. */
  readonly losses: readonly string[]
  /** Enough for the page. */
  readonly isFull: boolean
}

/** Something that takes too long for a test: `npm run soak` runs all, or those that `--only` names. */
export interface SoakJob {
  readonly name: string
  readonly title: string
  /** For the page: what was done, and what was looked at. */
  readonly explained: string
  run(options: SoakOptions): Promise<SoakResult>
}
