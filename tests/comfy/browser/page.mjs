// A page of the real front end in headless Chromium, ready to be asked things.
// PLAYWRIGHT names the folder of playwright-core, CHROMIUM the browser; both have sensible defaults.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { chromium } = require(process.env.PLAYWRIGHT || 'playwright-core')

export async function openPage(url, { vueNodes = false, width = 1600, height = 900, pixels = 1 } = {}) {
  const settings = {
    'Comfy.TutorialCompleted': true,
    'Comfy.InstalledVersion': '1.49.6',
    'Comfy.Minimap.Visible': false,
    'Comfy.VueNodes.Enabled': vueNodes,
  }
  for (const [name, value] of Object.entries(settings))
    await fetch(`${url}/settings/${name}`, { method: 'POST', body: JSON.stringify(value) })
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run', '--disable-sync'],
  })
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: pixels })
  const errors = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(url)
  await page.waitForFunction(
    () => window.app?.graph && Object.keys(window.LiteGraph?.registered_node_types || {}).length > 300,
    null,
    { timeout: 120000 },
  )
  await page.waitForTimeout(1500)
  return { browser, page, errors }
}

export async function fitView(page) {
  await page.evaluate(() => {
    const canvas = window.app.canvas
    const nodes = window.app.graph._nodes
    const [barLeft, barTop, rest] = [80, 110, 30] // px of the screen: the page's own bars
    const left = Math.min(...nodes.map((n) => n.pos[0]))
    const top = Math.min(...nodes.map((n) => n.pos[1] - 40)) // a title and a badge stand above a node
    const right = Math.max(...nodes.map((n) => n.pos[0] + n.size[0]))
    const bottom = Math.max(...nodes.map((n) => n.pos[1] + n.size[1]))
    const { width, height } = canvas.canvas.getBoundingClientRect()
    const scale = Math.min(1.5, (width - barLeft - rest) / (right - left), (height - barTop - rest) / (bottom - top))
    canvas.ds.scale = scale
    canvas.ds.offset = [barLeft / scale - left, barTop / scale - top]
    canvas.setDirty(true, true)
  })
  await page.waitForTimeout(800)
}
