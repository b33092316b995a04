import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router'
import { PageFrame } from './parts/page-frame.tsx'
import { AlertsPage } from './pages/alerts/alerts-page.tsx'
import { DeploymentPage } from './pages/deployment/deployment-page.tsx'
import { LostPage } from './pages/lost-page.tsx'
import { ProjectPage } from './pages/project/project-page.tsx'
import { ProjectsPage } from './pages/projects/projects-page.tsx'
import { RunPage } from './pages/run/run-page.tsx'
import { SignInPage } from './pages/sign-in/sign-in-page.tsx'
import { TestPage } from './pages/test/test-page.tsx'
import { TestsPage } from './pages/tests/tests-page.tsx'
import { searchText, testsSearch } from './pages/tests/tests-search.ts'
import { VersionPage } from './pages/version/version-page.tsx'
import { storedToken } from './session/token.ts'

const root = createRootRoute({ component: PageFrame, notFoundComponent: LostPage })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: SignInPage,
  validateSearch: (search): { to?: string } => (typeof search['to'] === 'string' ? { to: search['to'] } : {}),
})

/** Pages that show something of the server: whoever is not signed in does that first, and comes back. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: ({ location }) => {
    if (storedToken() === undefined) throw redirect({ to: '/sign-in', search: { to: location.href } })
  },
})

const projects = createRoute({ getParentRoute: () => signedIn, path: '/', component: ProjectsPage })
const project = createRoute({ getParentRoute: () => signedIn, path: '/$project', component: ProjectPage })
const run = createRoute({ getParentRoute: () => signedIn, path: '/$project/runs/$number', component: RunPage })
const alerts = createRoute({ getParentRoute: () => signedIn, path: '/$project/alerts', component: AlertsPage })
const tests = createRoute({
  getParentRoute: () => signedIn,
  path: '/$project/tests',
  component: TestsPage,
  validateSearch: testsSearch,
})
/** Names of tests hold every sign there is: they are no part of a path. */
const test = createRoute({
  getParentRoute: () => signedIn,
  path: '/$project/test',
  component: TestPage,
  validateSearch: (search): { test: string } => ({ test: searchText(search['test']) ?? '' }),
})
const version = createRoute({
  getParentRoute: () => signedIn,
  path: '/$project/versions/$version',
  component: VersionPage,
})
const deployment = createRoute({
  getParentRoute: () => signedIn,
  path: '/$project/deployments/$deployment',
  component: DeploymentPage,
})

const tree = root.addChildren([
  signIn,
  signedIn.addChildren([projects, project, run, alerts, tests, test, version, deployment]),
])

/** The addresses of the page; `src/flow/push-progress.ts` prints some of them into terminals. */
export function createPageRouter() {
  return createRouter({ routeTree: tree, defaultPreload: false, scrollRestoration: true })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>
  }
}
