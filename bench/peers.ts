import { execFile } from 'node:child_process'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { folderOfUv } from '../tests/build/python-tools.ts'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../node_modules/.cache/tidegate-peers', import.meta.url))
const INSTALL_MS = 300_000

/** What is compared with, as people install it: from PyPI, each in a virtual environment that is kept. */
const PACKAGES = {
  dvc: ['dvc'],
  prefect: ['prefect>=3.4', 'fastapi<0.120'],
  buildbot: ['buildbot', 'buildbot-worker', 'buildbot-www', 'setuptools<81'],
} as const

export type PeerName = keyof typeof PACKAGES

/** The folder of its programs; undefined, and a word on stderr, where it cannot be had. */
export async function peerPrograms(name: PeerName): Promise<string | undefined> {
  const kept = join(CACHE, name)
  if (await exists(join(kept, 'complete'))) return join(kept, 'bin')
  try {
    await install(name, kept)
    return join(kept, 'bin')
  } catch (error) {
    console.error(`${name} cannot be had here: ${(error as Error).message.split('\n')[0]}`)
    return undefined
  }
}

/** In its place from the beginning, because a virtual environment cannot be moved; marked when it is whole. */
async function install(name: PeerName, folder: string): Promise<void> {
  const uv = join(await folderOfUv(), 'uv')
  const signal = AbortSignal.timeout(INSTALL_MS)
  await rm(folder, { recursive: true, force: true })
  await run(uv, ['venv', '--quiet', folder], { signal })
  const python = join(folder, 'bin', 'python')
  await run(uv, ['pip', 'install', '--quiet', '--python', python, ...PACKAGES[name]], { signal })
  await mkdir(join(folder, 'making'))
  await rename(join(folder, 'making'), join(folder, 'complete'))
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
