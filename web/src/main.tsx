import './zod-without-eval.ts'
import '@mantine/core/styles.css'
import './page.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createQueries } from './queries/query-client.ts'
import { createPageRouter } from './router.tsx'
import { theme } from './theme.ts'

const root = document.querySelector('#page')
if (root === null) throw new Error('index.html has no element with the id "page"')

const queries = createQueries()
const router = createPageRouter()

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
