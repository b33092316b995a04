import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import type { Store } from '../../src/core/ports/store.ts'
import type { TaskContext } from '../../src/core/task.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'

/** A data folder with a real store, in which tasks can be run as the engine would run them. */
export interface TaskPlace extends AsyncDisposable {
  readonly dataFolder: string
  readonly store: Store
  /** A context with a workspace of its own; `lines` is its log. */
  context(signal?: AbortSignal): Promise<TaskContext & { readonly lines: string[] }>
}

export async function openTaskPlace(): Promise<TaskPlace> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'tidegate-task-'))
  const store = await openFolderStore(join(dataFolder, 'store'))
  await mkdir(join(dataFolder, 'workspaces'))
  return {
    dataFolder,
    store,
    async context(signal = new AbortController().signal) {
      const workspace = await mkdtemp(join(dataFolder, 'workspaces', 'w-'))
      const lines: string[] = []
      return { workspace, dataFolder, artifacts: openArtifacts(store), signal, lines, log: (line) => lines.push(line) }
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}
