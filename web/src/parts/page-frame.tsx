import { Anchor, Button, Container, Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { me } from '../queries/queries.ts'
import { forgetToken, storedToken } from '../session/token.ts'
import styles from './page-frame.module.css'

/** What every page stands in: the name, who is signed in, and the page itself. */
export function PageFrame() {
  const isSignIn = useRouterState({ select: ({ location }) => location.pathname === '/sign-in' })
  return (
    <>
      <a href="#main" className="skip-link">
        Skip to the page
      </a>
      <header className={styles['header']}>
        <Container size="xl" className={styles['bar']}>
          <Link to="/" className={styles['name']}>
            <img src="/icon.svg" alt="" width={26} height={26} />
            Tidegate
          </Link>
          {!isSignIn && storedToken() !== undefined && <WhoIsSignedIn />}
        </Container>
      </header>
      <Container component="main" id="main" size="xl" py="lg" tabIndex={-1} className={styles['main']}>
        <Outlet />
      </Container>
    </>
  )
}

function WhoIsSignedIn() {
  const { data } = useQuery(me)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const signOut = () => {
    forgetToken()
    queries.clear()
    void navigate({ to: '/sign-in' })
  }
  return (
    <Group gap="sm">
      <Text size="sm" c="dimmed">
        {data === undefined ? (
          ''
        ) : (
          <>
            signed in as <b>{data.person}</b>
          </>
        )}
      </Text>
      <Button size="compact-sm" variant="subtle" color="gray" onClick={signOut}>
        Sign out
      </Button>
    </Group>
  )
}

interface CrumbsProps {
  readonly project: string
  /** A page between the project's and this one. */
  readonly under?: ReactNode
  readonly children?: string
}

/** The way back up: names of what this page is part of. */
export function Crumbs({ project, under, children }: CrumbsProps) {
  return (
    <nav aria-label="You are here">
      <Group gap={6} fz="sm">
        <Anchor component={Link} to="/" fz="sm">
          Projects
        </Anchor>
        <Slash />
        {children === undefined ? (
          <Text span fz="sm" aria-current="page">
            {project}
          </Text>
        ) : (
          <>
            <Anchor renderRoot={(props) => <Link to="/$project" params={{ project }} {...props} />} fz="sm">
              {project}
            </Anchor>
            <Slash />
            {under !== undefined && (
              <>
                {under}
                <Slash />
              </>
            )}
            <Text span fz="sm" aria-current="page">
              {children}
            </Text>
          </>
        )}
      </Group>
    </nav>
  )
}

function Slash() {
  return (
    <Text span c="dimmed" fz="sm" aria-hidden="true">
      /
    </Text>
  )
}
