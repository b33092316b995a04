/** Keys that our own steps have in a plan; steps of the file cannot have these names. */
export const TASK_KEYS = {
  environment: 'builds the build environment',
  sources: 'finds mistakes before any test runs',
  datasets: 'refuses a retraining run for which nothing changed',
  bundle: 'puts together what is promoted',
  evaluation: 'compares candidate and champion',
  gates: 'decides the gates',
  registration: 'makes the bundle a version',
} as const satisfies Record<string, string>

/** What the bundle step writes; no other step may. */
export const BUNDLE_FILE = 'bundle.json'

export const DEFAULT_ENVIRONMENT = 'default'

/** The key of the step that builds an environment; a step without `build:` uses the default one. */
export function environmentKey(name: string = DEFAULT_ENVIRONMENT): string {
  return name === DEFAULT_ENVIRONMENT ? 'environment' : `environment:${name}`
}

/** The key of the step that runs a dataset's query. */
export function queryKey(path: string): string {
  return `query:${path}`
}

export function datasetKey(path: string): string {
  return `data:${path}`
}

/** Makes the wheel of the commit; a name that no step of a file can have. */
export const PACKAGE_KEY = 'build:package'

/** Where the wheel stands, as `python -m build` has it. */
export const WHEEL_FOLDER = 'dist/'

/** Makes the container image of the commit. */
export const IMAGE_KEY = 'build:image'

/** Where it stands, as an OCI layout. */
export const IMAGE_FOLDER = 'image.oci/'
