import { Group, Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ModelVersion } from '../../../../src/api/versions.ts'
import type { z } from 'zod'
import { Digest } from '../../parts/digest.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Nothing, Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { versions } from '../../queries/queries.ts'
import { asMeasure } from '../../words/numbers.ts'

type Version = z.infer<typeof ModelVersion>

export function VersionsList({ project }: { readonly project: string }) {
  const query = useQuery(versions(project))
  return (
    <Section title="Model versions">
      <Loaded query={query}>
        {({ versions: known }) =>
          known.length === 0 ? (
            <Nothing>
              No version is registered. One is, once a run on the delivered branch has passed its gates.
            </Nothing>
          ) : (
            <Sheet pad={false}>
              <Table verticalSpacing="xs" horizontalSpacing="md">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Version</Table.Th>
                    <Table.Th>Serves</Table.Th>
                    <Table.Th>Metrics</Table.Th>
                    <Table.Th>Bundle</Table.Th>
                    <Table.Th>From</Table.Th>
                    <Table.Th>Registered</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {known.map((version) => (
                    <VersionRow key={version.version} version={version} />
                  ))}
                </Table.Tbody>
              </Table>
            </Sheet>
          )
        }
      </Loaded>
    </Section>
  )
}

function VersionRow({ version: shown }: { readonly version: Version }) {
  const { project, model, version, serves, metrics, bundle, run, createdAt } = shown
  return (
    <Table.Tr>
      <Table.Td fw={600}>
        <Link to="/$project/versions/$version" params={{ project, version: String(version) }}>
          {model}@{version}
        </Link>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {serves.map((name) => (
            <StateBadge key={name} tone="succeeded">
              {name}
            </StateBadge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>
        {Object.entries(metrics)
          .slice(0, 3)
          .map(([name, value]) => `${name} ${asMeasure(value)}`)
          .join(', ')}
      </Table.Td>
      <Table.Td>
        <Digest of={bundle} />
      </Table.Td>
      <Table.Td>
        <Link to="/$project/runs/$number" params={{ project, number: run.split('#')[1] ?? '' }}>
          {run}
        </Link>
      </Table.Td>
      <Table.Td c="dimmed">
        <Ago at={createdAt} />
      </Table.Td>
    </Table.Tr>
  )
}
