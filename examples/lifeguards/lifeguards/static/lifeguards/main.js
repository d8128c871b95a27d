// At the coast desk: how many seconds are left to answer an alarm. The server says how many there were when the list
// came, so no two clocks are compared. A module: it runs once the page is read.
const came = new WeakMap()

function count() {
  for (const row of document.querySelectorAll('[data-left]')) {
    if (!came.has(row)) came.set(row, performance.now())
    const left = Math.max(0, Math.round(Number(row.dataset.left) - (performance.now() - came.get(row)) / 1000))
    const said = row.querySelector('[data-left-said]')
    said.textContent = `· ${left} s`
    said.hidden = false
    row.toggleAttribute('data-late', left === 0)
  }
}

count()
setInterval(count, 1000)
// The list comes anew by itself.
document.body.addEventListener('htmx:afterSwap', count)
