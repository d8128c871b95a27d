// Shows only the fountains that work, where one asks for it. A module: it runs once the page is read.
const box = document.querySelector('[data-only-working]')
box?.addEventListener('change', () => {
  document.querySelectorAll('.fountain-broken').forEach((row) => (row.hidden = box.checked))
})
