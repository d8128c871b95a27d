import { describe, expect, it } from 'vitest'
import front from './front.css?raw'
import journeys from './journeys.css?raw'
import riders from './riders.css?raw'

const styles = [front, journeys, riders].join('\n')

describe("riders' styles", () => {
  it('know no left and no right: some languages run the other way', () => {
    expect(styles.match(/(?<![-\w])(padding|margin|border)-(left|right)\b|(?<![-\w])(left|right):/g)).toBeNull()
  })
  it('let the column of waits grow: "12–15 min" is wider than any width that was thought of', () => {
    const columns = [...styles.matchAll(/\.arrival \{[^}]*grid-template-columns: ([^;]+);/g)].map((found) => found[1])
    expect(columns).toHaveLength(3)
    columns.forEach((one) => expect(one).toMatch(/^minmax\(([\d.]+rem, max-content|0, 1fr)\)/))
  })
})
