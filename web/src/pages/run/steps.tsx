import { Text } from '@mantine/core'
import { STAGES, stageOfStep, type StageName, type StepStage } from '../../../../src/core/stages.ts'
import type { RunDetail, Step } from '../../../../src/api/runs.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { StepRow } from './step-row.tsx'
import styles from './steps.module.css'

/** Every step under the stage of the eight it belongs to, in the order of the plan. */
export function Steps({ run }: { readonly run: RunDetail }) {
  if (run.steps.length === 0) return null
  return (
    <Section title="Steps">
      <div className={styles['stages']}>
        {STAGES.map((stage) => {
          const own = run.steps.filter((step) => isOf(step, stage.name))
          if (own.length === 0) return null
          return (
            <section key={stage.name} id={stage.name} className={styles['stage']} aria-label={stage.title}>
              <Text component="h3" fw={600} size="sm" c="dimmed" mb={6}>
                {stage.number} {stage.title}
              </Text>
              <Sheet pad={false}>
                {own.map((step) => (
                  <StepRow key={step.key} run={run} step={step} />
                ))}
              </Sheet>
            </section>
          )
        })}
      </div>
    </Section>
  )
}

function isOf(step: Step, stage: StageName): boolean {
  return stageOfStep(step.stage as StepStage) === stage
}
