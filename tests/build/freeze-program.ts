import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import type { FreezeDatasetInput } from '../../src/build/freeze-dataset.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { createTasks } from '../../src/tasks.ts'

/** Freezes one dataset in a process of its own, and says what came of it and how much memory it took. */
const [input = '', dataFolder = '', workspace = ''] = process.argv.slice(2)
await using store = await openFolderStore(`${dataFolder}/store`)
const output = await createTasks(process.env)['freeze-dataset'].run(JSON.parse(input) as FreezeDatasetInput, {
  workspace,
  dataFolder,
  artifacts: openArtifacts(store),
  signal: new AbortController().signal,
  log: () => undefined,
})
console.log(JSON.stringify({ output, peakBytes: process.resourceUsage().maxRSS * 1024 }))
