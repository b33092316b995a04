import { useLayoutEffect, useRef, type CSSProperties } from 'react'
import type { Image } from './image-of.ts'
import styles from './case-inputs.module.css'

interface CaseImageProps {
  readonly image: Image
  readonly label: string
}

/** Ink on white paper, in light and dark alike: the highest value is the darkest. */
export function CaseImage({ image, label }: CaseImageProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d')
    context?.putImageData(paint(image), 0, 0)
  }, [image])
  const ratio: CSSProperties & Record<'--ratio', string> = { '--ratio': `${image.width} / ${image.height}` }
  return (
    <canvas
      ref={canvas}
      width={image.width}
      height={image.height}
      className={styles['image']}
      style={ratio}
      role="img"
      aria-label={label}
    />
  )
}

function paint({ width, height, shades }: Image): ImageData {
  const pixels = new Uint8ClampedArray(width * height * 4)
  for (const [index, shade] of shades.entries()) {
    const light = Math.round(255 * (1 - shade))
    pixels.set([light, light, light, 255], index * 4)
  }
  return new ImageData(pixels, width, height)
}
