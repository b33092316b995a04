import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The folders of one driver family, sorted: what its registry has to name. */
export async function driverFolders(family: string): Promise<string[]> {
  const folder = fileURLToPath(new URL(`../../src/drivers/${family}`, import.meta.url))
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}
