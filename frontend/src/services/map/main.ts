/** Wakes the map page, and the page on which data sets are brought. */
const oneMap = document.querySelector<HTMLElement>('[data-one-map]')
if (oneMap) void import('./page').then((module) => module.startOneMap(oneMap))

const bring = document.querySelector<HTMLElement>('[data-bring]')
if (bring) void import('./bring').then((module) => module.startBring(bring))
