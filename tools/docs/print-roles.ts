import type { Operation } from '../../src/api/operation.ts'
import { API_ROOT, OPERATIONS } from '../../src/api/operations.ts'
import { ROLES } from '../../src/core/roles.ts'
import { markdownTable, page, PRINTED } from './markdown.ts'
import type { Pages } from './write-pages.ts'

const ROLE_WORDS = `A person holds roles in a project, or in all of them (\`tidegate person add <name> --role <role> --project <project>\`). A role
allows; it does not ask: who is asked to approve or to test is named in the pipeline file. Nobody who committed, pushed or
started a change approves or signs it, whatever their role, unless the file says \`allow-self-approval: true\`.`

const OPERATION_WORDS = `All paths stand under \`${API_ROOT}\`; the schemas are in [openapi.json](openapi.json). \`person\` is anybody with a
token, \`nobody\` needs none. A token is sent as \`Authorization: Bearer <token>\`.`

export function printRoles(): Pages {
  const roles = Object.entries(ROLES).map(([name, { includes, meaning }]) => [
    `\`${name}\``,
    meaning,
    includes.filter((other) => other !== name).join(', '),
  ])
  const operations = (Object.values(OPERATIONS) as Operation[]).map(({ name, method, path, role, summary }) => [
    `\`${name}\``,
    `\`${method} ${path}\``,
    role,
    summary,
  ])
  return {
    'docs/reference/roles-and-operations.md': page(
      '# Roles and operations',
      PRINTED,
      '## Roles',
      ROLE_WORDS,
      markdownTable(['role', 'what it allows', 'and what these allow'], roles),
      '## Operations',
      OPERATION_WORDS,
      markdownTable(['operation', 'request', 'role', 'what it does'], operations),
    ),
  }
}
