import { setTimeout as sleep } from 'node:timers/promises'
import { approveDeployment, listDeployments, type Deployment } from '../../src/api/deployments.ts'
import type { TestPerson, TestProject } from '../harness/server.ts'
import { EVALUATION, tinyProject } from '../harness/tiny-project.ts'

const PIPELINE = `model: { path: model.onnx, card: CARD.md }
${EVALUATION}gates: [{ metric: accuracy, min: 0.9 }]
steps:
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
environments:
  production: { approval: { reviewers: [lead] } }
`

/** A project whose model goes to production when `lead` says so. */
export const servedProject = tinyProject({ pipeline: PIPELINE, files: { 'CARD.md': '# A card\n' } })

/** Approves the deployment that waits and returns when it is live. */
export async function bringLive(project: TestProject, lead: TestPerson): Promise<Deployment> {
  const waiting = await deploymentIn(project, lead, 'awaiting-approval')
  await lead.client.call(approveDeployment, {
    params: { project: project.name, deployment: waiting.id },
    body: { bundle: waiting.bundle, comment: '' },
  })
  return deploymentIn(project, lead, 'live')
}

async function deploymentIn(project: TestProject, person: TestPerson, state: Deployment['state']): Promise<Deployment> {
  for (;;) {
    const answer = await person.client.call(listDeployments, { params: { project: project.name }, query: {} })
    const found = answer.deployments.find((deployment) => deployment.state === state)
    if (found !== undefined) return found
    const failed = answer.deployments.find((deployment) => deployment.endedAt !== null)
    if (failed !== undefined) throw new Error(`the deployment is ${failed.state}: ${failed.reason ?? ''}`)
    await sleep(50)
  }
}

/** What production answers for one row; no outputs where it failed. */
export async function predict(gatewayAddress: string, project: string): Promise<{ status: number; outputs: unknown }> {
  const response = await fetch(`${gatewayAddress}/${project}/production/v2/models/${project}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 3, 3] }] }),
  })
  const { outputs } = (await response.json()) as { outputs?: unknown }
  return { status: response.status, outputs }
}
