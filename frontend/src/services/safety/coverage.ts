/** The page of coverage: when the picture beside the map is another one, the map draws it anew. */
import type { GeoJSONSource } from 'maplibre-gl'
import type { CityMap } from '../../map/map'

const LAYER = 'safety/coverage'
const ADDRESS = '/map/layers/safety/coverage.geojson'

const madeOf = (root: HTMLElement): string => root.querySelector<HTMLElement>('[data-made]')?.dataset.made ?? ''

export function startCoverage(root: HTMLElement): void {
  if (root.dataset.awake) return
  root.dataset.awake = '1'
  let made = madeOf(root)
  root.addEventListener('htmx:afterSwap', () => {
    const now = madeOf(root)
    if (now === made) return
    made = now
    const source = document.querySelector<CityMap>('city-map')?.map?.getSource(LAYER) as GeoJSONSource | undefined
    source?.setData(`${ADDRESS}?made=${encodeURIComponent(now)}`)
  })
}
