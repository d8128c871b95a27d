import { beforeEach, expect, test } from 'vitest'
import { note, showUsed } from './used'

beforeEach(() => {
  localStorage.clear()
  document.body.innerHTML = `
    <section hidden><ul data-used-list></ul></section>
    <ul>${['a', 'b', 'c'].map((slug) => `<li class="need-card" data-service="${slug}" data-home="/${slug}/" data-name="${slug.toUpperCase()}"></li>`).join('')}</ul>`
})

const shown = (): string[] => {
  const section = document.querySelector('section')!
  showUsed(section)
  return [...section.querySelectorAll('a')].map((link) => link.textContent ?? '')
}

test('the last one used comes first, each once, and what the city has no more is left out', () => {
  for (const slug of ['a', 'b', 'gone', 'a']) note(slug)
  expect(shown()).toEqual(['A', 'B'])
  expect(document.querySelector('section')!.hidden).toBe(false)
})

test('nobody who used nothing is shown an empty list, nor who kept nonsense', () => {
  expect(shown()).toEqual([])
  expect(document.querySelector('section')!.hidden).toBe(true)
  localStorage.setItem('used', '{"a": 1}')
  expect(shown()).toEqual([])
})
