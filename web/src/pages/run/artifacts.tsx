import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getArtifact, type Artifact } from '../../../../src/api/artifacts.ts'
import { API_ROOT } from '../../../../src/api/operations.ts'
import { Digest } from '../../parts/digest.tsx'
import { TableSection } from '../../parts/table-section.tsx'
import { artifacts, me } from '../../queries/queries.ts'
import { hasRole } from '../../session/has-role.ts'
import { asBytes, asCount } from '../../words/numbers.ts'

interface RunName {
  readonly project: string
  readonly number: number
}

/** What the steps wrote, for as long as it is kept; developers may take it away. */
export function Artifacts({ project, number }: RunName) {
  const { data } = useQuery(artifacts(project, number))
  const { data: person } = useQuery(me)
  if (data === undefined || data.artifacts.length === 0) return null
  const mayTake = person !== undefined && hasRole(person, project, getArtifact.role)
  const note = person === undefined || mayTake ? undefined : `To fetch one takes the role ${getArtifact.role}`
  return (
    <TableSection title="Artifacts" aside={note} heads={['Path', 'Kind', 'Size', 'Digest', 'From step']}>
      {data.artifacts.map((artifact) => (
        <Table.Tr key={`${artifact.step} ${artifact.path}`}>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>
            {mayTake ? (
              <a href={addressOf({ project, number }, artifact)} download>
                {artifact.path}
              </a>
            ) : (
              artifact.path
            )}
          </Table.Td>
          <Table.Td>{kindOf(artifact)}</Table.Td>
          <Table.Td>{asBytes(artifact.size)}</Table.Td>
          <Table.Td>
            <Digest of={artifact.digest} />
          </Table.Td>
          <Table.Td c="dimmed">{artifact.step}</Table.Td>
        </Table.Tr>
      ))}
    </TableSection>
  )
}

/** A folder comes as a tar archive. */
function kindOf({ kind, path, files }: Artifact): string {
  if (path.endsWith('.whl')) return 'wheel'
  if (kind === 'file') return 'file'
  return path === 'image.oci/' ? 'container image (tar)' : `${asCount(files, 'file')} (tar)`
}

function addressOf({ project, number }: RunName, { path, step }: Artifact): string {
  const query = new URLSearchParams({ path, step })
  return `${API_ROOT}/projects/${project}/runs/${number}/artifacts/content?${query}`
}
