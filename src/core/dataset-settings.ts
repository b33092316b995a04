/** What an installation says about where datasets may come from. Reaches the task that fetches as one variable. */
export interface DatasetSettings {
  /** `file:` sources, and remotes of DVC that are folders, lie in one of these. */
  readonly files: readonly string[]
  /** Of one file of a dataset. */
  readonly maxBytes: number
  readonly s3: {
    /** Of a server that is not Amazon's. */
    readonly endpoint?: string
    readonly region?: string
    /** That datasets may read with the installation's own credentials; others need a `secret`. */
    readonly buckets: readonly string[] | 'all'
  }
}

/** The variable of a task's process that holds them, as JSON. */
export const DATASET_SETTINGS = 'TIDEGATE_DATASETS'
/** The variable with the value of a dataset's `secret`. */
export const DATASET_SECRET = 'TIDEGATE_DATASET_SECRET'

export const DEFAULT_DATASET_BYTES = 100 * 2 ** 30

/** A server whose administrator names nothing. */
export const NO_DATASETS: DatasetSettings = { files: [], maxBytes: DEFAULT_DATASET_BYTES, s3: { buckets: [] } }

/** A person's own machine: they read what they may read. */
export const LOCAL_DATASETS: DatasetSettings = {
  files: ['/'],
  maxBytes: DEFAULT_DATASET_BYTES,
  s3: { buckets: 'all' },
}
