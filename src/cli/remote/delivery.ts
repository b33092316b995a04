import type { Command } from 'commander'
import {
  approveDeployment,
  clearRefusal,
  deployVersion,
  rejectDeployment,
  resumeDeployment,
  rollBack,
  type Deployment,
} from '../../api/deployments.ts'
import { listEnvironments } from '../../api/projects.ts'
import { getBillOfMaterials, getLineage, listVersions, type Lineage } from '../../api/versions.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { print, table, time } from '../print.ts'
import { parseVersion } from '../references.ts'
import { findDeployment } from './find-deployment.ts'

/** Versions and where they go. */
export function registerDelivery(program: Command): void {
  program
    .command('models <project>')
    .description('registered versions of a project’s model, and what serves where')
    .action(async (project: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const { versions } = await client.call(listVersions, { params: { project } })
      const { environments } = await client.call(listEnvironments, { params: { project } })
      print(
        globals,
        { versions, environments },
        (data) => `${versionTable(data.versions)}\n\n${environmentTable(data.environments)}`,
      )
    })
  program
    .command('lineage <model@version>')
    .description('from a version back to commit, data, lock, gates and people')
    .action(async (text: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(getLineage, { params: parseVersion(text) }), describeLineage)
    })
  program
    .command('version')
    .description('one registered version')
    .command('sbom <model@version>')
    .description('what a version is made of, as CycloneDX 1.6 in JSON')
    .action(async (text: string, _options: object, command: Command) => {
      const client = await openClient(command.optsWithGlobals<GlobalOptions>())
      const bill = await client.call(getBillOfMaterials, { params: parseVersion(text) })
      process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`)
    })
  program
    .command('deploy <model@version>')
    .description('send a version to an environment, under its rules')
    .requiredOption('--to <environment>', 'an environment of its pipeline file')
    .action(async (text: string, options: { to: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const { project, version } = parseVersion(text)
      print(
        globals,
        await client.call(deployVersion, { params: { project }, body: { version, environment: options.to } }),
        said,
      )
    })
  registerDecisions(program)
  registerRollBack(program)
}

function registerDecisions(program: Command): void {
  const decisions = [
    { name: 'approve', operation: approveDeployment, description: 'approve a version that waits for it' },
    {
      name: 'reject',
      operation: rejectDeployment,
      description: 'reject a version that waits for approval, with a reason',
    },
  ] as const
  for (const { name, operation, description } of decisions) {
    program
      .command(`${name} <model@version>`)
      .description(description)
      .option('--env <environment>', 'where it waits, if it waits in several')
      .option('--bundle <digest>', 'the digest you looked at; default: what waits now')
      .option('--comment <text>', 'kept for ever', '')
      .action(async (text: string, options: { env?: string; bundle?: string; comment: string }, command: Command) => {
        const globals = command.optsWithGlobals<GlobalOptions>()
        const client = await openClient(globals)
        const deployment = await findDeployment(client, parseVersion(text), options.env, 'awaiting-approval')
        const params = { project: deployment.project, deployment: deployment.id }
        print(
          globals,
          await client.call(operation, {
            params,
            body: { bundle: options.bundle ?? deployment.bundle, comment: options.comment },
          }),
          said,
        )
      })
  }
  program
    .command('resume <model@version>')
    .description('let a rollout that is held go on')
    .option('--comment <text>', 'kept for ever', '')
    .action(async (text: string, options: { comment: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const deployment = await findDeployment(client, parseVersion(text), undefined, 'held')
      const params = { project: deployment.project, deployment: deployment.id }
      print(globals, await client.call(resumeDeployment, { params, body: { comment: options.comment } }), said)
    })
}

function registerRollBack(program: Command): void {
  program
    .command('rollback <project> <environment>')
    .description('go back to the version before, at once')
    .option('--reason <text>', 'kept for ever', 'asked for by a person')
    .action(async (project: string, environment: string, options: { reason: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(
        globals,
        await client.call(rollBack, { params: { project, environment }, body: { reason: options.reason } }),
        said,
      )
    })
  program
    .command('clear <model@version> <environment>')
    .description('allow a version that was rolled back in an environment there again')
    .requiredOption('--reason <text>', 'why it is safe now')
    .action(async (text: string, environment: string, options: { reason: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const { project, version } = parseVersion(text)
      const { version: found } = await client.call(getLineage, { params: { project, version } })
      const answer = await client.call(clearRefusal, {
        params: { project, environment },
        body: { bundle: found.bundle, reason: options.reason },
      })
      print(globals, answer, () => `${text} may go to ${environment} again.`)
    })
}

function said(deployment: Deployment): string {
  const reason = deployment.reason === null ? '' : `: ${deployment.reason}`
  return `${deployment.model}@${deployment.version} in ${deployment.environment} is ${deployment.state}${reason}`
}

function versionTable(
  versions: readonly {
    model: string
    version: number
    run: string
    serves: string[]
    createdAt: number
    metrics: Record<string, number>
  }[],
): string {
  const rows = versions.map((one) => [
    `${one.model}@${one.version}`,
    one.run,
    one.serves.join(', '),
    Object.entries(one.metrics)
      .slice(0, 3)
      .map(([name, value]) => `${name} ${value.toFixed(4)}`)
      .join(', '),
    time(one.createdAt),
  ])
  return table([['version', 'run', 'serves', 'metrics', 'registered'], ...rows])
}

function environmentTable(
  environments: readonly {
    environment: string
    champion: number | null
    challenger: number | null
    weight: number
    endpoint: string | null
  }[],
): string {
  const rows = environments.map((one) => [
    one.environment,
    one.champion === null ? '' : `@${one.champion}`,
    one.challenger === null ? '' : `@${one.challenger} at ${Math.round(one.weight * 100)} %`,
    one.endpoint ?? '',
  ])
  return table([['environment', 'champion', 'challenger', 'endpoint'], ...rows])
}

function describeLineage(lineage: Lineage): string {
  const lines = [
    `${lineage.version.model}@${lineage.version.version}  ${lineage.version.bundle}`,
    `run      ${lineage.run}${lineage.alert === null ? '' : ` (started by alert ${lineage.alert})`}`,
    `commit   ${lineage.commit} by ${lineage.pushedBy}: ${lineage.title}`,
    `lock     ${lineage.lock ?? 'none'}`,
    ...(lineage.image === null ? [] : [`image    ${lineage.image}`]),
    ...(lineage.wheel === null ? [] : [`wheel    ${lineage.wheel.file} ${lineage.wheel.digest}`]),
    ...lineage.datasets.map(
      (dataset) =>
        `data     ${dataset.path} ${dataset.digest}${dataset.rows === null ? '' : ` (${dataset.rows} rows)`}`,
    ),
    ...lineage.gates.map((gate) => `gate     ${gate.outcome}: ${gate.summary}`),
  ]
  for (const deployment of lineage.deployments) {
    lines.push(`${deployment.environment}: ${deployment.state}`)
    for (const one of deployment.signatures) lines.push(`  ${one.person} signed: ${one.decision}, ${time(one.at)}`)
    for (const one of deployment.approvals) lines.push(`  ${one.person}: ${one.decision}, ${time(one.at)}`)
  }
  return lines.join('\n')
}
