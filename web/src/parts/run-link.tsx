import { Link } from '@tanstack/react-router'

/** A run by its id, `project#number`. */
export function RunLink({ run }: { readonly run: string }) {
  const [project = '', number = ''] = run.split('#')
  return (
    <Link to="/$project/runs/$number" params={{ project, number }}>
      {run}
    </Link>
  )
}
