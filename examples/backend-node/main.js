// atg-backend-folder counts the files of a folder instead of what is in Azure: each folder in it is a subscription,
// and each file below that a resource.
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { Fault, serve } from './protocol.js'

let root = ''

const folder = {
  name: 'folder',
  version: '1.0.0',
  summary: 'counts the files of a folder',
  schema: {
    type: 'object', additionalProperties: false,
    properties: { root: { type: 'string', description: 'The folder.' } },
  },
  configure(settings) { root = settings.root ?? '' },
  async health() {
    await subscriptions()
    return ''
  },
  operations: { scan },
}

async function subscriptions() {
  const hint = 'set backends.folder.settings.root'
  if (!root) throw new Fault('execution_failed', 'no folder is configured', { hint })
  try {
    const entries = await readdir(root, { withFileTypes: true })
    return entries.filter((e) => e.isDirectory()).map((e) => e.name).sort()
  } catch (error) {
    throw new Fault('execution_failed', 'the folder cannot be read', { hint, resource: root, cause: error.message })
  }
}

async function scan(job) {
  const { filter, resource_limit: limit, dry_run: dry } = job.request
  if (filter && [filter.resource_groups, filter.resource_types, filter.locations, filter.exclude_types, Object.keys(filter.tags)].some((f) => f.length)) {
    throw new Fault('unsupported', 'files have neither groups nor types, places or tags', { hint: 'filter by --subscription alone' })
  }
  const began = Date.now()
  const wanted = filter?.subscriptions.map((s) => s.toLowerCase()) ?? []
  const names = (await subscriptions()).filter((name) => !wanted.length || wanted.includes(name.toLowerCase()))
  if (dry) return { success: true, complete: true, plan: { parts: names.map((key) => ({ key, calls: 1 })), calls: names.length } }

  const entries = []
  let resources = 0
  for (const [i, name] of names.entries()) {
    const entry = { scope: name, name, kind: 'files', state: 'listed', listed: 0, expected: -1 }
    try {
      for await (const _ of files(path.join(root, name), job.signal)) {
        if (limit && resources >= limit) {
          entry.state = 'limited'
          break
        }
        entry.listed++
        resources++
      }
    } catch (error) { // the ledger says what could not be read, and why; so the scan is not complete
      job.signal.throwIfAborted()
      Object.assign(entry, { state: 'denied', fault: { code: 'forbidden', message: 'the folder cannot be read', resource: name, cause: error.message } })
    }
    entries.push(entry)
    job.log('info', `${name}: ${entry.state}, ${entry.listed} files`)
    job.progress({ phase: 'folders', done: i + 1, total: names.length, unit: 'folders' })
    job.state.progress = (i + 1) / names.length
  }
  const complete = entries.every((e) => e.state !== 'denied')
  return { success: true, complete, subscriptions: names.length, resources, duration_seconds: (Date.now() - began) / 1000, coverage: { complete, entries } }
}

// files are those below a folder, until the signal says to stop.
async function* files(dir, signal) {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    signal.throwIfAborted()
    const file = path.join(dir, entry.name)
    if (entry.isDirectory()) yield* files(file, signal)
    else if (entry.isFile()) yield file
  }
}

serve(folder)
