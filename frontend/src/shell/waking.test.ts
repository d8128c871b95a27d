import { afterEach, describe, expect, it } from 'vitest'
import { wake } from './waking'

afterEach(() => document.body.replaceChildren())

describe('wake', () => {
  it('gives the page, then each part that is put in', () => {
    const given: ParentNode[] = []
    const part = document.body.appendChild(document.createElement('div'))
    wake((root) => given.push(root))
    expect(given).toEqual([document])
    part.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true }))
    expect(given).toEqual([document, part])
  })
})
