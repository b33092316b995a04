import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { openFolderStore, type FolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { untilEnded } from '../contract/executor.ts'
import type { AttemptOrder, CompletionRecord, Executor, Handle } from '../../src/core/ports/executor.ts'
import type { TreeFile } from '../../src/core/tree.ts'

/** A data folder with a store and a local executor, for real attempts. */
export interface AttemptPlace extends AsyncDisposable {
  readonly folder: string
  readonly store: FolderStore
  readonly executor: Executor
  order(run: string | AttemptOrder['command'], changes?: Partial<AttemptOrder>): AttemptOrder
  /** Submits, waits for the record, reads the log. */
  run(
    run: string | AttemptOrder['command'],
    changes?: Partial<AttemptOrder>,
    secrets?: Record<string, string>,
  ): Promise<{ record: CompletionRecord; log: string; order: AttemptOrder }>
  file(path: string, content: string): Promise<TreeFile>
}

const TASK_ENTRY = new URL('./task-entry.ts', import.meta.url).pathname

export async function openAttemptPlace(): Promise<AttemptPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-attempts-'))
  await mkdir(join(folder, 'work'))
  await chmod(join(folder, 'work'), 0o711)
  const store = await openFolderStore(join(folder, 'store'))
  const executor = openLocalExecutor({ folder: join(folder, 'executor'), spares: 0, taskEntry: TASK_ENTRY })
  let count = 0

  function order(run: string | AttemptOrder['command'], changes: Partial<AttemptOrder> = {}): AttemptOrder {
    const name = `${count++}`
    return {
      version: 1,
      attemptId: `project#1/step/${name}`,
      attemptFolder: join(folder, 'attempts', name),
      workspace: join(folder, 'work', name),
      storeFolder: join(folder, 'store'),
      inputs: [],
      command: typeof run === 'string' ? { kind: 'command', run } : run,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      secretNames: [],
      outs: [],
      keep: [],
      timeoutMs: 60_000,
      graceMs: 2_000,
      logLimitBytes: 10_000_000,
      ...changes,
    }
  }

  return {
    folder,
    store,
    executor,
    order,
    async run(run, changes, secrets = {}) {
      const made = order(run, { secretNames: Object.keys(secrets), ...changes })
      const handle = await executor.submit(made, secrets)
      const record = await untilEnded(executor, handle)
      return { record, log: readLog(made), order: made }
    },
    async file(path, content) {
      return { path, ...(await store.put(Buffer.from(content))), executable: false }
    },
    async [Symbol.asyncDispose]() {
      for (const handle of await executor.listOwned()) await executor.cancel(handle, 0)
      await executor[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

export function readLog(order: AttemptOrder): string {
  return readFileSync(join(order.attemptFolder, 'log'), 'utf8')
}

/** Waits until it holds; the test's own timeout is the bound. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}

/** Until its executor says that the supervisor is dead, and that it left no record. */
export async function untilGone(executor: Executor, handle: Handle): Promise<void> {
  while ((await executor.observe([handle])).get(handle)?.kind !== 'gone') await sleep(10)
}

/** Waits for a file the command writes, and reads it. */
export async function untilFile(path: string): Promise<string> {
  await until(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'))
  return readFileSync(path, 'utf8').trim()
}

/** Where no process of this pid is, or only its zombie. */
export function isDead(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}
