/** Who is calling: a person, or a running step with its own token. Made by `access/` from a token. */
export interface Identity {
  readonly person: string
  readonly tokenId: string
  /** Set for a step's token: it may read and write this run only. */
  readonly runId?: string | undefined
}
