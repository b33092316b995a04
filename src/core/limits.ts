/** Every limit there is, printed to `docs/reference/limits.md`. Times in milliseconds, sizes in bytes. */
export const LIMITS = {
  stepTimeoutMs: { value: 24 * 3_600_000, meaning: 'how long a step may run where its file says nothing' },
  cancelGraceMs: { value: 10_000, meaning: 'between TERM and KILL when a step is cancelled' },
  attemptBackstopMs: {
    value: 30 * 60_000,
    meaning: 'an attempt may go on after its timeout and grace, storing outputs, before its supervisor is given up',
  },
  logBytes: { value: 1 << 30, meaning: 'of one attempt kept; after that head and tail, and the loss is counted' },
  logSearchMs: { value: 4_000, meaning: 'one request searches a log; the next goes on where it stopped' },
  apiBodyBytes: { value: 16 << 20, meaning: 'of one request to the API' },
  inferBodyBytes: { value: 32 << 20, meaning: 'of one request to the gateway' },
  inferTimeoutMs: { value: 30_000, meaning: 'until the gateway gives up on a model host and replaces it' },
  hostStartMs: { value: 60_000, meaning: 'until a model host must have loaded its model' },
  hostMemoryBytes: { value: 2 * 2 ** 30, meaning: 'of one model host where the file says nothing' },
  hostQueue: { value: 256, meaning: 'requests that wait for one model host before it answers 503' },
  stepProcesses: { value: 8_192, meaning: 'of one attempt at a time, where the kernel has control groups for us' },
  stepDiskBytes: { value: 200 * 2 ** 30, meaning: 'an attempt may write where its file says nothing' },
  mountedFiles: { value: 1_000, meaning: 'of a folder from which it is mounted for a step, and not copied' },
  mountedBytes: { value: 256 << 20, meaning: 'of a folder from which it is mounted for a step, and not copied' },
  pipelineFileBytes: { value: 1 << 20, meaning: 'of tidegate.yaml' },
  yamlDepth: { value: 40, meaning: 'of nesting in tidegate.yaml' },
  yamlAliases: { value: 100, meaning: 'expansions of aliases in tidegate.yaml' },
  matrixMembers: { value: 256, meaning: 'of one step' },
  planSteps: { value: 2_000, meaning: 'of one run' },
  reportBytes: { value: 32 << 20, meaning: 'of one report file (JUnit, coverage)' },
  reportFiles: { value: 2_000, meaning: 'report files of one step that are read, where it names them by a pattern' },
  reportCases: { value: 100_000, meaning: 'test cases kept of one report, and of all of a step' },
  metricsBytes: { value: 1 << 20, meaning: 'of one metrics file' },
  gatewaySpoolRows: { value: 1_000, meaning: 'of logged predictions before a spool file is closed' },
  gatewaySpoolMs: { value: 1_000, meaning: 'before a spool file with rows in it is closed' },
  pageRows: { value: 200, meaning: 'of one page of any list' },
  workspaceKeepMs: { value: 24 * 3_600_000, meaning: 'a failed workspace is kept' },
  checkpointKeepMs: { value: 7 * 24 * 3_600_000, meaning: 'what a failed attempt hands on is kept for a rerun' },
  environmentKeepMs: { value: 30 * 24 * 3_600_000, meaning: 'a build environment that no run uses is kept' },
  logKeepMs: { value: 90 * 24 * 3_600_000, meaning: 'logs are kept' },
  logKeepBytes: { value: 20 * 2 ** 30, meaning: 'of all logs before those of the oldest attempts go' },
  cacheBytes: { value: 50 * 2 ** 30, meaning: 'of cached outputs before the oldest go' },
  testKeepMs: { value: 90 * 24 * 3_600_000, meaning: 'results of single tests, and coverages by file, are kept' },
  testKeepRuns: { value: 100, meaning: 'newest results of each test are kept, however old they are' },
  testForgetMs: {
    value: 365 * 24 * 3_600_000,
    meaning: 'a test is known that the later runs of its project do not report',
  },
  predictionKeepMs: { value: 30 * 24 * 3_600_000, meaning: 'logged inputs are kept where the file says nothing' },
  contentPartBytes: { value: 8 << 20, meaning: 'of one part of content that is pushed' },
  datasetFiles: { value: 1_000_000, meaning: 'of one dataset that is a folder' },
  pushBytes: { value: 4 * 2 ** 30, meaning: 'of one push' },
  pushStreamMs: { value: 3_600_000, meaning: 'a push shows its run before it lets go of the terminal' },
} as const satisfies Record<string, { value: number; meaning: string }>

export type LimitName = keyof typeof LIMITS

export function limit(name: LimitName): number {
  return LIMITS[name].value
}
