import type { AcceptanceCase } from '../../../../src/api/acceptance.ts'
import { CaseImage } from './case-image.tsx'
import { imageOf } from './image-of.ts'
import styles from './case-inputs.module.css'

/** What the model was given: as an image where the case says how, else as figures. */
export function CaseInputs({ shown }: { readonly shown: AcceptanceCase }) {
  const image = imageOf(shown.inputs, shown.show)
  if (image !== undefined) return <CaseImage image={image} label={`Image of case ${shown.id}`} />
  return (
    <pre className={styles['figures']} tabIndex={0} aria-label={`Inputs of case ${shown.id}`}>
      {JSON.stringify(shown.inputs, null, 1)}
    </pre>
  )
}
