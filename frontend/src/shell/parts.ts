/** HTMX, for the pages that have forms and links whose answer is put into the page. */
import htmx from 'htmx.org'

htmx.config.allowEval = false
htmx.config.includeIndicatorStyles = false
