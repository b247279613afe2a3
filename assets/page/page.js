'use strict'
// Details of a bar in the chunk map, by pointer and by keyboard. Without this script the page is complete but for them.
;(() => {
  const cellsOf = (slider) => JSON.parse(slider.dataset.cells)

  function select(slider, index) {
    const texts = cellsOf(slider)
    const at = Math.max(0, Math.min(texts.length - 1, index))
    const bars = slider.querySelectorAll('rect')
    for (const bar of slider.querySelectorAll('.selected')) bar.classList.remove('selected')
    bars[at].classList.add('selected')
    slider.setAttribute('aria-valuenow', String(at))
    slider.setAttribute('aria-valuetext', texts[at])
    slider.parentElement.querySelector('.detail').textContent = texts[at]
  }

  function nearest(slider, clientX) {
    let best = 0
    let distance = Infinity
    slider.querySelectorAll('rect').forEach((bar, index) => {
      const {left, right} = bar.getBoundingClientRect()
      const away = clientX < left ? left - clientX : Math.max(0, clientX - right)
      if (away < distance) {
        distance = away
        best = index
      }
    })
    return best
  }

  document.addEventListener('pointermove', (event) => {
    const slider = event.target instanceof Element ? event.target.closest('.cells') : null
    if (slider) select(slider, nearest(slider, event.clientX))
  })
  document.addEventListener('focusin', (event) => {
    if (event.target.matches?.('.cells')) select(event.target, Number(event.target.getAttribute('aria-valuenow')))
  })
  const moves = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -1e9, End: 1e9}
  document.addEventListener('keydown', (event) => {
    if (!event.target.matches?.('.cells') || !(event.key in moves)) return
    event.preventDefault()
    select(event.target, Number(event.target.getAttribute('aria-valuenow')) + moves[event.key])
  })
})()
