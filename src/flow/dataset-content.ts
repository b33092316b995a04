import { expandNames } from '../access/people.ts'
import { hasRole } from '../access/require-role.ts'
import { lastApproved, lastPushed, type DatasetVersion } from '../build/dataset-versions.sql.ts'
import { AppError } from '../core/errors.ts'
import type { Digest } from '../core/digest.ts'
import type { Identity } from '../core/identity.ts'
import type { Store } from '../core/ports/store.ts'
import type { DatasetSpec } from '../pipeline/pipeline.ts'
import { declaredDatasets } from './dataset-decisions.ts'
import type { Installation } from './installation.ts'

export interface WantedContent {
  readonly project: string
  readonly path: string
  readonly digests: readonly Digest[]
}

/**
 * What was pushed to a dataset, as runs use it now, and nothing else of the store. Rows that are kept from every step
 * are kept from those who write the steps, too: a developer who had them could train on them.
 */
export async function datasetContent(
  installation: Installation,
  { project, path, digests }: WantedContent,
  identity: Identity,
): Promise<AsyncIterable<Buffer>> {
  const { datasets, isNewest } = await declaredDatasets(installation, project)
  const declared = datasets.find((each) => each.path === path)
  const lookUp = declared?.owners === undefined ? lastPushed : lastApproved
  const version = await lookUp(installation.database.read, project, path)
  if (version === undefined) throw new AppError('NOT_FOUND', `Nothing of ${path} was pushed to ${project} yet.`)
  if (!isNewest || declared === undefined || declared.only !== undefined) {
    await refuseStrangers(installation, version, { declared, isNewest }, identity)
  }
  const { artifact } = version
  const files = artifact.kind === 'tree' ? await installation.artifacts.filesOf(artifact) : []
  const known = new Set([artifact.digest, ...files.map((file) => file.digest)])
  const foreign = digests.find((digest) => !known.has(digest))
  if (foreign === undefined) return framed(installation.store, digests)
  throw new AppError('NOT_FOUND', `${path} of ${project} holds no ${foreign}. It may have been pushed anew: ask again.`)
}

/** What the default branch does not name, or cannot be read there, may be held-out rows. */
async function refuseStrangers(
  { database }: Installation,
  { project, path, pushedBy }: DatasetVersion,
  { declared, isNewest }: { readonly declared: DatasetSpec | undefined; readonly isNewest: boolean },
  identity: Identity,
): Promise<void> {
  const { person } = identity
  const isOwner = (await expandNames(database.read, declared?.owners ?? [])).includes(person)
  if (isOwner || person === pushedBy || (await hasRole(database.read, identity, project, 'maintainer'))) return
  const why =
    declared === undefined || !isNewest
      ? 'is not declared on the default branch as it is now'
      : 'is for the evaluation only'
  throw new AppError(
    'FORBIDDEN',
    `${path} ${why}: its owners, who pushed it and maintainers of ${project} may have its rows, and ${person} is none of them. Run the other steps with --step, or push and let the server do the rest.`,
  )
}

async function* framed(store: Store, digests: readonly Digest[]): AsyncGenerator<Buffer> {
  for (const digest of digests) {
    yield Buffer.from(`${digest} ${await store.has(digest)}\n`)
    yield* (await store.get(digest)) as AsyncIterable<Buffer>
  }
}
