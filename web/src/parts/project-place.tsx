import { Text } from '@mantine/core'
import type { Project } from '../../../src/api/projects.ts'

/** Which folder of which repository a project is; nothing where it is the whole of its own. */
export function ProjectPlace({ project }: { readonly project: Pick<Project, 'name' | 'repository' | 'path'> }) {
  const { name, repository, path } = project
  if (path === '' && repository === name) return null
  return (
    <Text size="sm" c="dimmed">
      {path === '' ? 'The whole' : <code>{path}</code>} of the repository <code>{repository}</code>
    </Text>
  )
}
