interface ReportLinkProps {
  /** The run that made it: `project#number`. */
  readonly run: string
  readonly children: string
}

/** What was proved of a candidate: a page that stands by itself, and may run nothing. Kept with its version. */
export function ReportLink({ run, children }: ReportLinkProps) {
  const [project = '', number = ''] = run.split('#')
  return (
    <a href={`/api/v1/projects/${project}/runs/${number}/report`} target="_blank" rel="noreferrer">
      {children}
    </a>
  )
}
