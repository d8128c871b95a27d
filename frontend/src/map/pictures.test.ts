import { expect, it, vi } from 'vitest'
import { addPicture, partsOf, pictureOf } from './pictures'

it('a picture is known by its name, and what is none of ours is left alone', () => {
  expect(partsOf(pictureOf('#b3261e', true, false))).toEqual({ color: '#b3261e', going: true, astray: false })
  expect(partsOf('vehicle true red false')).toBeUndefined()
  expect(partsOf('airport')).toBeUndefined()
  const map = { hasImage: vi.fn().mockReturnValue(false), addImage: vi.fn() }
  addPicture(map as never, 'airport')
  expect(map.addImage).not.toHaveBeenCalled()
})
