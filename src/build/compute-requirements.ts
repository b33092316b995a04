import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TaskContext } from '../core/task.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { sha256 } from '../lib/sha256.ts'
import { isComputed } from '../pipeline/computed-dependencies.ts'
import { splitExtras } from '../pipeline/requirement-includes.ts'
import { askProject, type ComputedList } from './ask-project.ts'
import type { Python } from './find-python.ts'
import { readBuildSystem } from './read-build-system.ts'
import type { RequirementSet } from './read-requirements.ts'
import { readRequirementFile, type Requirement } from './requirement-files.ts'

interface Place {
  readonly python: Python
  readonly context: TaskContext
  readonly env: Readonly<Record<string, string>>
  readonly asOtherUser: boolean
  /** Answers the folder of an environment with what a build requires. */
  readonly installBuildSystem: (requirements: RequirementSet) => Promise<string>
}

/** The same with what the builds of those files say that leave it to them. A uv.lock has asked them already. */
export async function computeRequirements(listed: RequirementSet, place: Place): Promise<RequirementSet> {
  const { workspace } = place.context
  if (listed.uvLock) return listed
  let all = listed
  for (const file of listed.files) {
    const { path, extras } = splitExtras(file)
    const text = await readFile(join(workspace, path), 'utf8')
    if (!isComputed(file, text)) continue
    all = withList(all, file, await ask(path, extras, place), text)
  }
  return all
}

async function ask(path: string, extras: readonly string[], place: Place): Promise<ComputedList> {
  const { python, env, context } = place
  const { workspace, dataFolder, signal } = context
  const folder = dirname(path) === '.' ? '' : `${dirname(path)}/`
  const system = await readBuildSystem(folder, python, { workspace, env, signal })
  return await askProject({
    file: path,
    extras,
    workspace,
    dataFolder,
    environment: await place.installBuildSystem(system),
    python,
    asOtherUser: place.asOtherUser,
    signal,
    log: (line) => context.log(line),
  })
}

function withList(all: RequirementSet, file: string, list: ComputedList, text: string): RequirementSet {
  const { path } = splitExtras(file)
  const told = [...list.dependencies, ...Object.values(list.extras).flat(), ...Object.values(list.groups).flat()].join(
    '\n',
  )
  const found = readRequirementFile(path, told).requirements.map((one) => ({ ...one, line: lineOf(text, one) }))
  return {
    ...all,
    requirements: [...all.requirements.filter((one) => one.file !== path), ...found],
    digests: { ...all.digests, [`build of ${path}`]: sha256(canonicalJson(list)) },
    computed: { ...all.computed, [file]: list },
  }
}

/** Where a list comes from elsewhere, the beginning of the file that leads there. */
function lineOf(text: string, { name }: Requirement): number {
  const pattern = new RegExp(`(?:^|["'\\s])${name.replaceAll('-', '[-_.]+')}(?![\\w-])`, 'i')
  return Math.max(1, text.split('\n').findIndex((line) => pattern.test(line)) + 1)
}
