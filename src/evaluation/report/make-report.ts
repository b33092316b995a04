import type { TaskContext } from '../../core/task.ts'
import type { ArtifactRef } from '../../core/tree.ts'
import { reportHtml } from './report-html.ts'
import { reportMarkdown } from './report-markdown.ts'
import type { ReportFacts } from './report-facts.ts'

/** One report in its two forms, by digest. */
export interface Report {
  readonly html: ArtifactRef
  readonly markdown: ArtifactRef
}

/** Passed or refused: what was proved is kept either way. */
export async function makeReport(facts: ReportFacts, { artifacts }: TaskContext): Promise<Report> {
  return {
    html: await artifacts.putBytes(reportHtml(facts)),
    markdown: await artifacts.putBytes(reportMarkdown(facts)),
  }
}
