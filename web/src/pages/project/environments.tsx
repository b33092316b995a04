import { SimpleGrid } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Loaded } from '../../parts/loaded.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { environments } from '../../queries/queries.ts'
import { EnvironmentCard } from './environment-card.tsx'

export function Environments({ project }: { readonly project: string }) {
  const query = useQuery(environments(project))
  return (
    <Section
      title="Environments"
      aside={
        <Link to="/$project/alerts" params={{ project }}>
          Monitoring
        </Link>
      }
    >
      <Loaded query={query}>
        {({ environments: known }) =>
          known.length === 0 ? (
            <Nothing>
              Nothing is served yet. A run that registers a version starts a deployment to the first of the environments
              that tidegate.yaml names.
            </Nothing>
          ) : (
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
              {known.map((environment) => (
                <EnvironmentCard key={environment.environment} project={project} environment={environment} />
              ))}
            </SimpleGrid>
          )
        }
      </Loaded>
    </Section>
  )
}
