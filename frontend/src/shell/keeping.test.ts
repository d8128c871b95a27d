import { describe, expect, it } from 'vitest'
import { builtIn } from './keeping'

describe('builtIn', () => {
  it('finds the built files of a page, each once, and nothing else', () => {
    const page = `<link rel="stylesheet" href="/static/cityhall/assets/a-12345678.css"><link rel="modulepreload" href="/static/cityhall/assets/b-12345678.js">
      <script type="module" src="/static/cityhall/assets/b-12345678.js"></script><img src="/static/cityhall/icon.svg"><a href="https://example.org/static/cityhall/assets/c.js">`
    expect(builtIn(page)).toEqual(['/static/cityhall/assets/a-12345678.css', '/static/cityhall/assets/b-12345678.js'])
  })
})
