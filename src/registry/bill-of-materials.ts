import type { BundleManifest } from '../core/bundle.ts'
import type { TreeFile } from '../core/tree.ts'
import type { Image, Wheel } from './lineage.ts'

export interface Materials {
  readonly bundle: string
  readonly manifest: BundleManifest
  /** The files of the bundle. */
  readonly files: readonly TreeFile[]
  /** The text of the build environment's lock; absent: the model was made without one. */
  readonly lock?: string
  readonly python?: string
  /** Made of the commit, beside the model. */
  readonly wheel?: Wheel
  readonly image?: Image
  /** Path → digest. */
  readonly datasets: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
  readonly commit: string
}

/** Beyond these a bundle is listed as a folder by its digest. */
const MOST_FILES = 2_000

/**
 * What a version is made of, as CycloneDX 1.6: the model as a machine-learning model with its parameters and
 * numbers, every locked package with its hashes, the bundle's files and the datasets. It says nothing of when
 * it was made, so that the same bundle has the same bill.
 */
export function billOfMaterials(materials: Materials): Record<string, unknown> {
  const { bundle, manifest, files, datasets, commit } = materials
  const packages = packagesOf(materials)
  const { wheel, image } = materials
  const made = [
    ...(wheel === undefined ? [] : [wheelComponent(wheel)]),
    ...(image === undefined ? [] : [imageComponent(image, manifest.name)]),
  ]
  const listed = files.length <= MOST_FILES ? files : []
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${asUuid(bundle)}`,
    version: 1,
    metadata: {
      tools: { components: [{ type: 'application', name: 'tidegate' }] },
      component: modelComponent(materials),
      properties: [{ name: 'tidegate:commit', value: commit }],
    },
    components: [
      ...packages,
      ...made,
      ...listed.map((file) => ({
        type: 'file',
        'bom-ref': `file:${file.path}`,
        name: file.path,
        hashes: [sha256Of(file.digest)],
      })),
      ...Object.entries(datasets).map(([path, digest]) => ({
        type: 'data',
        'bom-ref': `data:${path}`,
        name: path,
        version: digest,
        hashes: [sha256Of(digest)],
      })),
    ],
    dependencies: [
      {
        ref: bundle,
        dependsOn: [...packages.map((one) => one['bom-ref']), ...listed.map(({ path }) => `file:${path}`)],
      },
    ],
    ...(files.length > MOST_FILES ? { properties: [{ name: 'tidegate:files', value: manifest.files.digest }] } : {}),
  }
}

function modelComponent({ bundle, manifest, datasets, metrics, python }: Materials) {
  const { signature, runtime } = manifest
  const tensors = (list: typeof signature.inputs) =>
    list.map(({ name, datatype, shape }) => ({ format: `${name} ${datatype}[${shape.join(', ')}]` }))
  return {
    type: 'machine-learning-model',
    'bom-ref': bundle,
    name: manifest.name,
    version: bundle,
    hashes: [sha256Of(bundle)],
    modelCard: {
      modelParameters: {
        datasets: Object.keys(datasets).map((path) => ({ ref: `data:${path}` })),
        inputs: tensors(signature.inputs),
        outputs: tensors(signature.outputs),
      },
      quantitativeAnalysis: {
        performanceMetrics: Object.entries(metrics).map(([type, value]) => ({ type, value: String(value) })),
      },
    },
    properties: [
      { name: 'tidegate:runtime', value: runtime.kind },
      { name: 'tidegate:model-path', value: manifest.modelPath },
      ...(python === undefined ? [] : [{ name: 'tidegate:python', value: python }]),
      ...(manifest.lockDigest === undefined ? [] : [{ name: 'tidegate:lock', value: manifest.lockDigest }]),
    ],
  }
}

/** A wheel's name says what it is (PEP 427). */
function wheelComponent({ file, digest }: Wheel) {
  const [name = file, version = ''] = file.split('-')
  const purl = `pkg:pypi/${name.toLowerCase().replaceAll(/[-_.]+/g, '-')}@${encodeURIComponent(version)}?file_name=${encodeURIComponent(file)}`
  return { type: 'library', 'bom-ref': purl, name, version, purl, hashes: [sha256Of(digest)] }
}

function imageComponent({ digest }: Image, name: string) {
  return { type: 'container', 'bom-ref': `image:${digest}`, name, version: digest, hashes: [sha256Of(digest)] }
}

/** `name==1.0 \` and its hashes below it, as locks are written. */
function packagesOf({ lock = '' }: Materials) {
  const found = new Map<string, ReturnType<typeof packageOf>>()
  for (const [, name = '', version = '', rest = ''] of lock.matchAll(
    /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)((?:.*\\\r?\n)*.*)$/gm,
  )) {
    const one = packageOf(name, version, rest)
    found.set(one['bom-ref'], one)
  }
  return [...found.values()]
}

function packageOf(name: string, version: string, rest: string) {
  const purl = `pkg:pypi/${name.toLowerCase().replaceAll(/[-_.]+/g, '-')}@${encodeURIComponent(version)}`
  const hashes = Array.from(rest.matchAll(/--hash=sha256:([0-9a-f]{64})/g), ([, content]) => ({
    alg: 'SHA-256',
    content,
  }))
  // A lock names the hash of every file a package may be installed from; which one it was depends on the platform.
  return hashes.length === 1
    ? { type: 'library', 'bom-ref': purl, name, version, purl, hashes }
    : { type: 'library', 'bom-ref': purl, name, version, purl }
}

function sha256Of(digest: string): { alg: 'SHA-256'; content: string } {
  return { alg: 'SHA-256', content: digest.replace(/^sha256:/, '') }
}

/** A UUID of the digest's own first bits (version 8: made as its maker likes). */
function asUuid(digest: string): string {
  const hex = digest.replace(/^sha256:/, '').padEnd(32, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
