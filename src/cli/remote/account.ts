import type { Command } from 'commander'
import {
  addPerson,
  createToken,
  grantRole,
  listPeople,
  listSecrets,
  removeSecret,
  revokeToken,
  rotateSecretsKey,
  setSecret,
  whoAmI,
  withdrawRole,
} from '../../api/access.ts'
import { createClient } from '../../client/client.ts'
import { AppError } from '../../core/errors.ts'
import type { Role } from '../../core/roles.ts'
import { openClient, saveCredentials, type GlobalOptions } from '../context.ts'
import { print, table, time } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'

/** Who one is, and who else there is. */
export function registerAccount(program: Command): void {
  program
    .command('login')
    .description('remember a server and a token on this machine')
    .requiredOption(
      '--token <token>',
      'as `tidegate person add` or `tidegate token create` printed it; - reads it from standard input',
    )
    .action(async (options: { token: string }, command: Command) =>
      login(options.token, command.optsWithGlobals<GlobalOptions>()),
    )

  const person = program.command('person').description('people (admins only)')
  person
    .command('add <name>')
    .description('add a person and print their first token, once')
    .option('--role <role>', 'viewer, developer, tester, approver, maintainer or admin', 'developer')
    .option('--project <project>', 'the project the role is for; * for all', '*')
    .option('--group <groups...>', 'groups to join; they are made when they are new')
    .option('--email <email>', 'ties the authors of commits to this person')
    .action(
      async (
        name: string,
        options: { role: Role; project: string; group?: string[]; email?: string },
        command: Command,
      ) => {
        const globals = command.optsWithGlobals<GlobalOptions>()
        const client = await openClient(globals)
        const { role, project, group: groups = [], email } = options
        const added = await client.call(addPerson, {
          body: { name, role, project, groups, ...(email === undefined ? {} : { email }) },
        })
        print(
          globals,
          added,
          ({ token }) =>
            `${name} is ${role} in ${project === '*' ? 'all projects' : project}. Their token, shown once:\n${token}`,
        )
      },
    )
  registerRoles(person)
  person
    .command('list')
    .description('people, their groups and roles')
    .action(async (_options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listPeople, {}), ({ people }) =>
        table([
          ['name', 'groups', 'roles'],
          ...people.map((one) => [
            one.name,
            one.groups.join(', '),
            one.roles.map(({ project, role }) => `${role} in ${project}`).join(', '),
          ]),
        ]),
      )
    })

  registerTokens(program)
  registerSecrets(program)
}

function registerRoles(person: Command): void {
  const verbs = [
    { verb: 'grant', done: 'is', operation: grantRole, description: 'give a person, or group:<name>, one more role' },
    { verb: 'withdraw', done: 'is no longer', operation: withdrawRole, description: 'take a role away again' },
  ]
  for (const { verb, done, operation, description } of verbs) {
    person
      .command(`${verb} <name>`)
      .description(description)
      .requiredOption('--role <role>', 'viewer, developer, tester, approver, maintainer or admin')
      .option('--project <project>', 'the project the role is for; * for all', '*')
      .action(async (subject: string, { role, project }: { role: Role; project: string }, command: Command) => {
        const globals = command.optsWithGlobals<GlobalOptions>()
        const client = await openClient(globals)
        const answer = await client.call(operation, { body: { subject, role, project } })
        print(globals, answer, () => `${subject} ${done} ${role} in ${project === '*' ? 'all projects' : project}.`)
      })
  }
}

function registerTokens(program: Command): void {
  const token = program.command('token').description('tokens: how people and programs identify themselves')
  token
    .command('create')
    .description('a new token of one’s own, or of --person for an admin; shown once')
    .option('--person <name>', 'whose token it is; default: one’s own')
    .option('--label <text>', 'what it is for', 'cli')
    .option('--expires-in-days <days>', 'no end where this is absent', wholeNumber(1, 3_650))
    .action(async (options: { person?: string; label: string; expiresInDays?: number }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(
        globals,
        await client.call(createToken, { body: options }),
        (made) => `${made.token}\n(id ${made.id}, of ${made.person})`,
      )
    })
  token
    .command('revoke <id>')
    .description('end a token')
    .action(async (id: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(revokeToken, { params: { id } }), () => `Token ${id} is revoked.`)
    })
}

function registerSecrets(program: Command): void {
  const secret = program
    .command('secret')
    .description('secrets of a project, sealed at rest; steps name them under `secrets:`')
  secret
    .command('set <project> <name>')
    .description('set a secret; its value is read from standard input')
    .action(async (project: string, name: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const value = (await readStandardInput()).replace(/\n$/, '')
      if (value === '')
        throw new AppError(
          'INVALID_INPUT',
          'The value is read from standard input, and nothing came: echo -n "$VALUE" | tidegate secret set …',
        )
      print(
        globals,
        await client.call(setSecret, { params: { project, name }, body: { value } }),
        () => `${name} is set in ${project}.`,
      )
    })
  secret
    .command('list <project>')
    .description('names of secrets, and who set them; never their values')
    .action(async (project: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listSecrets, { params: { project } }), ({ secrets }) =>
        table([['name', 'set', 'by'], ...secrets.map((one) => [one.name, time(one.updatedAt), one.updatedBy])]),
      )
    })
  secret
    .command('rotate-key')
    .description('seal the secrets of all projects with a new key; the old one is gone afterwards')
    .action(async (_options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(
        globals,
        await client.call(rotateSecretsKey, {}),
        ({ secrets }) => `${secrets} secrets are sealed with a new key. Backups made before hold the old one.`,
      )
    })
  secret
    .command('rm <project> <name>')
    .description('remove a secret: steps that name it are refused from then on')
    .action(async (project: string, name: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(
        globals,
        await client.call(removeSecret, { params: { project, name } }),
        () => `${name} is removed from ${project}.`,
      )
    })
}

async function login(given: string, globals: GlobalOptions): Promise<void> {
  const token = given === '-' ? (await readStandardInput()).trim() : given
  const server = globals.server ?? 'http://127.0.0.1:7070'
  const me = await createClient({ url: server, token }).call(whoAmI, {})
  const file = await saveCredentials({ server, token })
  print(globals, me, ({ person }) => `Logged in to ${server} as ${person} (kept in ${file}).`)
}

async function readStandardInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  return text
}
