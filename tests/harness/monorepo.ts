import { addProject } from '../../src/api/projects.ts'
import { makeWork, type Files } from '../source/git-place.ts'
import { projectAt, type People, type TestProject } from './server.ts'

/** Two projects in one repository, and the people of each. */
export interface Monorepo {
  readonly fraud: TestProject
  readonly churn: TestProject
  readonly files: Files
}

type Server = People & { readonly folder: string; readonly server: { readonly address: string } }

/** A step that needs no time, and says what it read. */
export function stepOf(project: string, top = ''): string {
  return `${top}steps:\n  train: { run: cat data.txt && echo ${project} trained, deps: [data.txt] }\n`
}

/** `<name>` in models/fraud, and `<name>-churn` in models/churn of its repository; nothing is pushed yet. */
export async function openMonorepo(place: Server, name: string, more: Files = {}): Promise<Monorepo> {
  const { admin, folder, server } = place
  const files: Files = {
    'readme.md': 'both\n',
    'models/fraud/tidegate.yaml': stepOf('fraud'),
    'models/fraud/data.txt': 'f1\n',
    'models/churn/tidegate.yaml': stepOf('churn'),
    'models/churn/data.txt': 'c1\n',
    ...more,
  }
  await admin.client.call(addProject, { body: { name, path: 'models/fraud' } })
  const second = { name: `${name}-churn`, path: 'models/churn', repository: name }
  await admin.client.call(addProject, { body: second })
  const work = await makeWork(folder, name, files)
  const at = (project: string) => projectAt({ address: server.address, admin, name: project, work, repository: name })
  return { fraud: at(name), churn: at(second.name), files }
}
