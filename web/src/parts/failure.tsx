import { Alert, Button, Group } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { isAppError } from '../../../src/core/errors.ts'
import { tellError } from '../words/errors.ts'

/** What the server refused or could not do, in its words. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { title, message } = tellError(error)
  return (
    <Alert color="red" variant="light" title={title} role="alert">
      {message}
      <Group gap="xs" mt={isAppError(error, 'UNAUTHENTICATED') || onRetry !== undefined ? 'xs' : 0}>
        {isAppError(error, 'UNAUTHENTICATED') && <Link to="/sign-in">Sign in</Link>}
        {onRetry !== undefined && (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  )
}
