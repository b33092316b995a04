import { Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { usePageTitle } from '../parts/use-page-title.ts'

export function LostPage() {
  usePageTitle('No such page')
  return (
    <Stack gap="xs" py="xl">
      <Title order={1}>There is no such page</Title>
      <Text c="dimmed">The address names nothing that Tidegate shows.</Text>
      <Link to="/">All projects</Link>
    </Stack>
  )
}
