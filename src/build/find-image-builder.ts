import { AppError } from '../core/errors.ts'
import { runTool, type ToolAnswer } from './run-tool.ts'

export const IMAGE_BUILDERS = ['buildah', 'podman', 'docker'] as const
export type ImageBuilderKind = (typeof IMAGE_BUILDERS)[number]

export interface ImageBuilder {
  readonly kind: ImageBuilderKind
  /** `buildah version 1.28.2`. */
  readonly version: string
}

type Place = { readonly env: Readonly<Record<string, string>>; readonly signal: AbortSignal }

/** Docker is a client and an engine: the client alone builds nothing. */
const ASK: Readonly<Record<ImageBuilderKind, readonly string[]>> = {
  buildah: ['--version'],
  podman: ['--version'],
  docker: ['version', '--format', 'Docker {{.Server.Version}}'],
}

/** The first that works, those without a service of their own before Docker. Fails with INVALID_INPUT. */
export async function findImageBuilder(place: Place): Promise<ImageBuilder> {
  const whyNot: string[] = []
  for (const kind of IMAGE_BUILDERS) {
    const answer = await ask(kind, place)
    if (answer?.ok === true) return { kind, version: answer.stdout.trim().split('\n')[0] ?? kind }
    whyNot.push(answer === undefined ? `${kind} is not installed` : `${kind} ${whatFailed(kind, answer)}`)
  }
  const install = 'apt-get install buildah crun, or dnf install buildah'
  throw new AppError(
    'INVALID_INPUT',
    `No image can be built on this machine: ${whyNot.join('; ')}. Install one that needs no service (${install}), or start Docker's.`,
  )
}

async function ask(kind: ImageBuilderKind, { env, signal }: Place): Promise<ToolAnswer | undefined> {
  try {
    return await runTool({ program: kind, args: ASK[kind], cwd: '/', env, signal })
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}

function whatFailed(kind: ImageBuilderKind, { stderr, stdout }: ToolAnswer): string {
  const said = `${stderr}\n${stdout}`.trim().split('\n')[0] ?? ''
  return kind === 'docker' ? `is installed, but its engine does not answer (${said})` : `does not run (${said})`
}
