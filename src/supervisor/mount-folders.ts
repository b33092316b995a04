import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { ATTEMPT_MARK } from '../core/attempt-files.ts'
import { ownPath, ownProgram } from '../lib/own-program.ts'
import { isSandboxed, sandboxed } from './sandbox.ts'

type Argv = readonly [string, ...string[]]

/** A folder that stands at `path` of the workspace for reading. */
export interface Mount {
  readonly path: string
  readonly source: string
}

type Environment = Readonly<Record<string, string>>

export interface Started {
  readonly argv: Argv
  readonly env: Environment
  /** As whom, where it does not change itself. */
  readonly as: AttemptOrder['runAs']
}

/**
 * The command with these folders in its workspace, in a mount namespace of its own, which ends with its last process:
 * nothing is left, whoever is killed. Root mounts and then becomes the attempt's user, who cannot reach the folders
 * otherwise; who is not root has bubblewrap do it. What a pipeline says of the environment (`PATH`, `LD_PRELOAD`) counts
 * from the moment on that its user is there: before that it would tell root what to run.
 */
export function withMounts(order: AttemptOrder, mounts: readonly Mount[], argv: Argv, env: Environment): Started {
  if (mounts.length === 0) return { argv: sandboxed(order, argv), env, as: order.runAs }
  const places = mounts.map(({ path, source }) => ({ source, target: join(order.workspace, path) }))
  if (process.getuid?.() !== 0) return { argv: throughBubblewrap(order, places, argv), env, as: undefined }
  const pairs = places.flatMap(({ source, target }) => [source, target])
  const inside = [...asUser(order.runAs), ...unwrapping(env), ...sandboxed(order, argv)]
  const namespace: Argv = [ownProgram('unshare'), '--mount', '--propagation', 'private', '--']
  return {
    argv: [...namespace, '/bin/sh', '-e', '-c', MOUNT_ALL, 'mount', ...pairs, '--', ...inside],
    env: wrapped(env),
    as: undefined,
  }
}

/** Whether bubblewrap stands between us and the command, and says how that ended. */
export function isWalled(order: AttemptOrder, mounts: readonly Mount[]): boolean {
  return isSandboxed(order) || (mounts.length > 0 && process.getuid?.() !== 0)
}

const WRAPPED = 'TIDEGATE_STEP_ENV_'

/** Under names that mean nothing to anybody; but for the mark, by which processes are found. */
function wrapped(env: Environment): Environment {
  const names = Object.keys(env).map((name) => [`${WRAPPED}${name}`, env[name] ?? ''] as const)
  return { PATH: ownPath(), [ATTEMPT_MARK]: env[ATTEMPT_MARK] ?? '', ...Object.fromEntries(names) }
}

/** Names are no secrets; values must not stand in a command line, which everybody may read. */
function unwrapping(env: Environment): string[] {
  return ['/bin/sh', '-e', '-c', UNWRAP_ALL, 'unwrap', ...Object.keys(env), '--']
}

const UNWRAP_ALL = String.raw`while [ "$1" != -- ]; do
  eval "export $1=\"\$${WRAPPED}$1\"; unset ${WRAPPED}$1"
  shift
done
shift
exec "$@"`

/** Looks whether it can really not be written: a `mount` that does not know the option would not say so. */
const MOUNT_ALL = `while [ "$1" != -- ]; do
  mount -o bind,ro,nosuid,nodev "$1" "$2"
  if [ -w "$2" ]; then echo "$2 is mounted, but could be written" >&2; exit 1; fi
  shift 2
done
shift
exec "$@"`

function asUser(user: AttemptOrder['runAs']): string[] {
  return user === undefined
    ? []
    : [ownProgram('setpriv'), `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--']
}

function throughBubblewrap(
  order: AttemptOrder,
  places: readonly { readonly source: string; readonly target: string }[],
  argv: Argv,
): Argv {
  const binds = places.flatMap(({ source, target }) => ['--ro-bind', source, target])
  const walled = sandboxed(order, argv)
  if (walled === argv)
    return [ownProgram('bwrap'), '--dev-bind', '/', '/', ...binds, '--chdir', order.workspace, '--', ...argv]
  const end = walled.length - argv.length - 1
  return [walled[0], ...walled.slice(1, end), ...binds, ...walled.slice(end)]
}

const run = promisify(execFile)

/**
 * Why folders cannot be mounted for this attempt; undefined: they can. Services would run beside the command as the
 * same user, and could put something else where root mounts.
 */
export async function whyNoMounts(order: AttemptOrder): Promise<string | undefined> {
  if ((order.services ?? []).length > 0) return 'the step has services'
  const place = mkdtempSync(join(tmpdir(), 'tidegate-mount-'))
  const workspace = join(place, 'workspace')
  mkdirSync(join(workspace, 'folder'), { recursive: true })
  try {
    const { sandbox: _, ...open } = order
    const { argv, env } = withMounts({ ...open, workspace }, [{ path: 'folder', source: '/usr' }], ['/bin/true'], {})
    const [program, ...rest] = argv
    await run(program, rest, { timeout: 20_000, cwd: '/', env })
    return undefined
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return process.getuid?.() === 0 ? 'there is no unshare' : 'bubblewrap is not installed'
    return stderr.trim().split('\n').at(-1) || String(error)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}
