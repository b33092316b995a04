import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { addProject } from '../../src/api/projects.ts'
import { listVersions } from '../../src/api/versions.ts'
import { prepareDemo, startServerProcess } from '../../src/cli/local/demo/demo-place.ts'
import { tellStory } from '../../src/cli/local/demo/story.ts'
import { createClient } from '../../src/client/client.ts'

/** Kept between runs of the tests, or a demo's own: environments and training are found in its cache. */
const DATA =
  process.env['TIDEGATE_DEMO_DATA'] ??
  fileURLToPath(new URL('../../node_modules/.cache/tidegate-demo', import.meta.url))

test(
  'without its gates the example registers the worse model, and the story says that it cannot go on',
  { timeout: 400_000 },
  async () => {
    await mkdir(DATA, { recursive: true })
    const server = await startServerProcess(DATA)
    try {
      const project = `nogate-${Date.now().toString(36)}`
      const admin = createClient({
        url: server.address,
        token: (await readFile(join(DATA, 'admin-token'), 'utf8')).trim(),
      })
      await admin.call(addProject, { body: { name: project } })
      await using place = await prepareDemo(server.address, DATA, project)
      const file = join(place.repository, 'tidegate.yaml')
      const text = await readFile(file, 'utf8')
      const without = text.replace(/^gates:\n(?:(?: .*|#.*|)\n)+/m, '')
      expect(without).not.toContain('margin')
      await writeFile(file, without)

      const story = await tellStory(place).catch((error: unknown) => error)

      expect(String(story)).toContain('registered a version although it is worse')
      const { versions } = await admin.call(listVersions, { params: { project } })
      expect(versions.map(({ version }) => version)).toEqual([2, 1])
    } finally {
      await server.stop()
    }
  },
)
