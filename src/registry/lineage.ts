import type { ArtifactRef } from '../core/tree.ts'

/**
 * Where a version comes from, as it was known when it was registered: never changed afterwards, so that it
 * is still true when runs, logs and datasets have been cleared away.
 */
export interface VersionLineage {
  readonly run: string
  readonly commit: string
  readonly branch: string
  /** Who pushed or started the run, and who else is an author of what is in it. */
  readonly person: string
  readonly authors: readonly string[]
  /** What started the run: `push`, `alert` … */
  readonly event: string
  readonly alert: string | null
  /** Path → digest. */
  readonly datasets: Readonly<Record<string, string>>
  readonly lockDigest: string | null
  readonly gates: readonly LineageGate[]
  /** Of `build.package`: the wheel of the commit. */
  readonly wheel?: Wheel
  /** Of `build.image`: digest of the manifest, and its OCI layout. */
  readonly image?: Image
  /** CycloneDX, by its digest; absent in versions from before there was one. */
  readonly sbom?: string
  /** What was proved, as a page and as text: digests. Absent: registered before there were reports. */
  readonly report?: { readonly html: string; readonly markdown: string }
  /** What the run's own code answered to the held-out rows, by its digest; absent where the model's host was asked. */
  readonly answers?: string
  readonly tests: { readonly passed: number; readonly failed: number; readonly skipped: number }
}

export interface Wheel {
  /** `digits-1.2-py3-none-any.whl` */
  readonly file: string
  readonly digest: string
}

export interface Image {
  readonly digest: string
  readonly layout: ArtifactRef
}

interface LineageGate {
  readonly title: string
  readonly outcome: 'pass' | 'fail' | 'inconclusive' | 'not-applicable'
  readonly summary: string
  readonly waivedBy: string | null
}

/** What became of a version afterwards; the rows are given by the parts that own them. */
export interface LineageAftermath {
  readonly deployments: readonly {
    readonly id: string
    readonly environment: string
    readonly state: string
    readonly liveAt: number | null
  }[]
  readonly approvals: readonly {
    readonly deployment: string
    readonly person: string
    readonly decision: string
    readonly at: number
  }[]
  readonly signatures: readonly {
    readonly deployment: string
    readonly person: string
    readonly decision: string
    readonly at: number
  }[]
}
