import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Loaded } from '../../parts/loaded.tsx'
import { Nothing, Section, Sheet } from '../../parts/section.tsx'
import { projects, runs } from '../../queries/queries.ts'
import { RunRow } from './run-row.tsx'

const PAGE = 20
const MOST = 200

export function RunsList({ project }: { readonly project: string }) {
  const [limit, setLimit] = useState(PAGE)
  const query = useQuery({ ...runs(project, limit), placeholderData: (before) => before })
  return (
    <Section
      title="Runs"
      aside={
        <Link to="/$project/tests" params={{ project }}>
          Tests
        </Link>
      }
    >
      <Loaded query={query}>
        {({ runs: known }) =>
          known.length === 0 ? (
            <HowToStart project={project} />
          ) : (
            <>
              <Sheet pad={false}>
                {known.map((run) => (
                  <RunRow key={run.id} run={run} />
                ))}
              </Sheet>
              {known.length === limit && limit < MOST && (
                <Button variant="subtle" mt="xs" onClick={() => setLimit(Math.min(limit * 2, MOST))}>
                  Older runs
                </Button>
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  )
}

function HowToStart({ project }: { readonly project: string }) {
  const { data } = useQuery(projects)
  const url = data?.projects.find(({ name }) => name === project)?.gitUrl
  return (
    <Nothing>
      No run yet. In your repository: <code>tidegate init</code>, commit, then{' '}
      <code>git push {url ?? 'the project’s address'} main</code>
    </Nothing>
  )
}
