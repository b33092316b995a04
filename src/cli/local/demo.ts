import type { Command } from 'commander'
import type { Client } from '../../client/client.ts'

interface DemoOptions {
  readonly data?: string
  readonly project: string
  readonly keep?: boolean
}

/** `tidegate demo`: the main job on a real example, told by the API. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'a real example through all eight stages: a good model, a worse one, a broken one, drift and retraining',
    )
    .option('--data <folder>', 'where to keep it; a second demo there finds environments and training in its cache')
    .option('--project <name>', 'a fresh project of this name', 'digits')
    .option('--keep', 'leave the server up at the end and print its address')
    .action(demo)
}

async function demo(options: DemoOptions): Promise<void> {
  const { join } = await import('node:path')
  const { prepareDemo, startServerProcess } = await import('./demo/demo-place.ts')
  const { tellStory } = await import('./demo/story.ts')
  const { createClient } = await import('../../client/client.ts')
  const { dataFolderOf } = await import('./data-folder.ts')
  const { readFile } = await import('node:fs/promises')
  const dataFolder = options.data ?? join(dataFolderOf(undefined), 'demo')
  const began = Date.now()
  const server = await startServerProcess(dataFolder)
  try {
    const admin = createClient({
      url: server.address,
      token: (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim(),
    })
    const project = await freshProject(admin, options.project)
    console.log(`Tidegate is up: ${server.address} (project ${project}, data in ${dataFolder})`)
    await using place = await prepareDemo(server.address, dataFolder, project)
    await tellStory(place)
    console.log(`\nAll eight stages in ${Math.round((Date.now() - began) / 1_000)} s.`)
  } catch (error) {
    await server.stop()
    throw error
  }
  if (options.keep !== true) return server.stop()
  server.leave()
  console.log(`The server stays up: ${server.address}  (token: ${join(dataFolder, 'admin-token')})`)
}

async function freshProject(admin: Client, wanted: string): Promise<string> {
  const { addProject } = await import('../../api/projects.ts')
  const { isAppError } = await import('../../core/errors.ts')
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`
    try {
      return (await admin.call(addProject, { body: { name } })).name
    } catch (error) {
      if (!isAppError(error, 'ALREADY_EXISTS')) throw error
    }
  }
}
