import type { DatasetVersion } from '../../api/datasets.ts'
import { shortDigest } from '../../core/digest.ts'

export type PushedVersion = DatasetVersion & { readonly owners: string[]; readonly isDeclared: boolean }

/** What became of a push, and what is still to do. */
export function describePush(project: string, version: PushedVersion): string {
  const undeclared = `The default branch has no \`${version.path}: { from: store }\` under \`data:\` yet.`
  return [outcomeOf(project, version), ...(version.isDeclared ? [] : [undeclared])].join('\n')
}

function outcomeOf(project: string, version: PushedVersion): string {
  const { path, digest, state, owners, isUsed } = version
  const what = `${path} ${shortDigest(digest)} (${size(version)})`
  const approve = `tidegate data approve ${project} ${path}`
  if (state === 'pending') return `${what} waits for the yes of ${owners.join(' or ')}: ${approve}`
  if (state === 'rejected') return `${what} was rejected before: no run uses it.`
  if (isUsed) return `${what} is what runs use from now on.`
  if (state !== 'approved') return `${what} is kept.`
  return `${what} was approved before, but runs use what was approved last. With the yes of ${owners.join(' or ')} they use it again: ${approve} --digest ${digest}`
}

function size({ rows, bytes }: DatasetVersion): string {
  return rows === null ? `${bytes} bytes` : `${rows} rows, ${bytes} bytes`
}
