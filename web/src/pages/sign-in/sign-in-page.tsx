import { Button, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { whoAmI } from '../../../../src/api/access.ts'
import { Failure } from '../../parts/failure.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { serverAs } from '../../session/server.ts'
import { storeToken } from '../../session/token.ts'

/** A token is tried before it is kept, so that a wrong one is told here and not on every page. */
export function SignInPage() {
  usePageTitle('Sign in')
  const [token, setToken] = useState('')
  const { to } = useSearch({ from: '/sign-in' })
  const router = useRouter()
  const queries = useQueryClient()
  const signIn = useMutation({
    mutationFn: (wanted: string) => serverAs(wanted).call(whoAmI, {}),
    onSuccess: (_, wanted) => {
      storeToken(wanted)
      queries.clear()
      router.history.push(ownPath(to))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate(token.trim())
  }
  return (
    <Paper withBorder p="xl" radius="lg" maw={460} mx="auto" mt={64} bg="var(--sheet)">
      <form onSubmit={submit}>
        <Stack>
          <div>
            <Title order={1} size="h3">
              Sign in
            </Title>
            <Text c="dimmed" size="sm" mt={4}>
              With your token, the one <Code>tidegate login</Code> and <Code>git push</Code> use. An administrator makes
              one with <Code>tidegate token create</Code>.
            </Text>
          </div>
          <PasswordInput
            label="Token"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show what is typed' }}
            data-autofocus
            autoFocus
            required
          />
          {signIn.error !== null && <Failure error={signIn.error} />}
          <Button type="submit" loading={signIn.isPending} disabled={token.trim() === ''}>
            Sign in
          </Button>
        </Stack>
      </form>
    </Paper>
  )
}

/** Only a path of this page: a link must not lead elsewhere after a sign-in. */
function ownPath(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])/.test(to) ? to : '/'
}
