import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { approveDeployment, listDeployments, type Deployment } from '../../src/api/deployments.ts'
import type { People, TestPerson, TestProject } from '../harness/server.ts'
import type { Files } from '../source/git-place.ts'

/** `steady` and `brittle` say which of four columns is largest; `brittle` fails on a row of zeros. */
export function integerModel(name: 'steady' | 'brittle'): Uint8Array {
  return readFileSync(fileURLToPath(new URL(`models/${name}.onnx`, import.meta.url)))
}

/** A project whose training copies a committed model. A changed `note.txt` makes another bundle of the same model. */
export function deliveredProject(
  environments: string,
  more: { model?: Uint8Array; top?: string; files?: Files } = {},
): Files {
  return {
    'trained.onnx': more.model ?? integerModel('steady'),
    'note.txt': 'first\n',
    'tidegate.yaml': `model: { path: model.onnx, include: [note.txt] }
steps:
  train: { run: cp trained.onnx model.onnx, deps: [trained.onnx], outs: [model.onnx] }
${more.top ?? ''}environments:
${environments}`,
    ...more.files,
  }
}

/** What people and clients do with a delivered project. */
export interface Story {
  readonly project: TestProject
  /** Commits and pushes; a new `note.txt` by default. */
  push(person: TestPerson, files?: Files): Promise<void>
  /** Newest first. */
  deployments(environment?: string): Promise<Deployment[]>
  /** Returns when the newest deployment of `version` in `environment` is in one of `states`. */
  reaches(version: number, environment: string, ...states: Deployment['state'][]): Promise<Deployment>
  approve(person: TestPerson, deployment: Deployment): Promise<Deployment>
  infer(environment: string, rows: readonly (readonly number[])[], headers?: Record<string, string>): Promise<Answer>
}

export interface Answer {
  readonly status: number
  /** Of the version that answered. */
  readonly version: string | null
  readonly id: string | null
  readonly body: { outputs?: { name: string; shape: number[]; data: number[] }[]; error?: string }
}

type DeliveringServer = People & { readonly server: { readonly gatewayAddress: string } }

export async function tellStory(
  place: DeliveringServer,
  name: string,
  files: Files,
  datatype = 'INT64',
): Promise<Story> {
  const project = await place.project(name, files)
  const { client } = place.admin
  let notes = 0
  const deployments = async (environment?: string) =>
    (await client.call(listDeployments, { params: { project: name }, query: { environment } })).deployments
  return {
    project,
    deployments,
    async push(person, changed) {
      notes += 1
      if (changed !== undefined || notes > 1) await project.commit(changed ?? { 'note.txt': `note ${notes}\n` })
      const outcome = await project.push(person)
      if (outcome.code !== 0) throw new Error(outcome.stderr)
    },
    reaches(version, environment, ...states) {
      return until(`version ${version} to be ${states.join(' or ')} in ${environment}`, async () => {
        const found = (await deployments(environment)).find((one) => one.version === version)
        return { found: found !== undefined && states.includes(found.state) ? found : undefined, seen: found }
      })
    },
    approve: (person, { id, bundle }) =>
      person.client.call(approveDeployment, {
        params: { project: name, deployment: id },
        body: { bundle, comment: '' },
      }),
    async infer(environment, rows, headers = {}) {
      const url = `${place.server.gatewayAddress}/${name}/${environment}/v2/models/${name}/infer`
      const input = { name: 'x', shape: [rows.length, rows[0]?.length ?? 0], datatype, data: rows.flat() }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ inputs: [input] }) })
      return {
        status: response.status,
        version: response.headers.get('tidegate-version'),
        id: response.headers.get('tidegate-prediction-id'),
        body: (await response.json()) as Answer['body'],
      }
    },
  }
}

/** Below the time-out of a test, so that the failure says what was seen; on a busy machine an environment alone takes half a minute. */
const PATIENCE_MS = 110_000

/** Polls; what is seen last stands in the failure. */
export async function until<T>(what: string, look: () => Promise<{ found: T | undefined; seen: unknown }>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const { found, seen } = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`waited for ${what}; the last seen was ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
