// What makes a Node program an atg backend: handshake, errors, jobs and their events. Written from
// docs/backend-protocol.md and the proto files alone.
import { createHash, randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import path from 'node:path'
import grpc from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import protobuf from 'protobufjs'

const types = protobuf.Root.fromJSON(PROTOS) // build.mjs puts it here
const services = grpc.loadPackageDefinition(fromJSON(PROTOS, { keepCase: true, longs: Number, defaults: true, arrays: true, objects: true, oneofs: true }))
const faultType = types.lookupType('atg.backend.v1.Fault')
const largestMessage = 64 << 20 // bytes
const endGrace = 1500 // ms for jobs to stop in; atg kills the process two seconds after Close
const terminal = ['completed', 'failed', 'cancelled']
const status = {
  invalid_argument: 'INVALID_ARGUMENT', config_invalid: 'INVALID_ARGUMENT', unsupported: 'UNIMPLEMENTED', job_not_found: 'NOT_FOUND',
  job_not_complete: 'FAILED_PRECONDITION', conflict: 'FAILED_PRECONDITION', execution_failed: 'ABORTED', forbidden: 'PERMISSION_DENIED',
}

// Fault is the error of a call or a job: a code of docs/backend-protocol.md, what happened, and more of the message's fields.
export class Fault extends Error {
  constructor(code, message, more = {}) {
    super(message)
    this.fields = { ...more, code, message: message.slice(0, 4096), resource: (more.resource ?? '').slice(0, 1024), origin: 'backend' }
  }

  static of(error) {
    return error instanceof Fault ? error : new Fault('internal', `an unexpected ${error?.name ?? 'error'}`, { cause: String(error).slice(0, 4096) })
  }
}

export function log(level, message, more = {}) {
  process.stderr.write(JSON.stringify({ '@level': level, '@message': message, ...more }) + '\n')
}

const now = () => ({ seconds: Math.floor(Date.now() / 1000), nanos: (Date.now() % 1000) * 1e6 })

class Job extends EventEmitter {
  #abort = new AbortController()
  #count = 0
  events = []

  constructor(operation, request) {
    super()
    this.setMaxListeners(0) // any number of readers
    this.request = request
    this.state = { job_id: randomUUID(), operation, tenant_id: request.tenant_id, status: 'pending', attempt: 1, created_at: now() }
    this.#move({})
  }

  // signal is aborted when the job has to stop.
  get signal() { return this.#abort.signal }

  progress(progress) {
    this.state.phase = progress.phase
    this.#add({ kind: 'progress', progress })
  }

  log(level, message) { this.#add({ kind: 'log', log: { level, message } }) }

  #add(event) {
    if (event.kind === 'progress' && this.events.at(-1)?.kind === 'progress') this.events.pop() // coalesced
    this.events.push({ ...event, seq: ++this.#count, time: now() })
    this.emit('event')
  }

  #move(change) {
    Object.assign(this.state, change)
    this.#add({ kind: 'status', status: { ...this.state } })
  }

  get ended() { return terminal.includes(this.state.status) }

  async run(work) {
    try {
      this.signal.throwIfAborted()
      this.#move({ status: 'running', started_at: now() })
      this.result = await work(this)
      this.#move({ status: 'completed', completed_at: now() })
    } catch (error) {
      if (this.signal.aborted) return this.#move({ status: 'cancelled', completed_at: now() })
      const { fields } = Fault.of(error)
      this.#move({ status: 'failed', completed_at: now(), error: fields.message, fault: fields })
    }
  }

  // cancel answers when the work has stopped.
  async cancel() {
    this.#abort.abort()
    while (!this.ended) await once(this, 'event')
  }

  // follow writes the events above a number, past and future, up to the terminal one.
  async follow(after, call) {
    for (;;) {
      const event = this.events.find((e) => e.seq > after)
      if (call.cancelled) return
      if (!event) {
        await Promise.race([once(this, 'event'), once(call, 'cancelled')])
        continue
      }
      after = event.seq
      if (!call.write(event)) await Promise.race([once(call, 'drain'), once(call, 'cancelled')])
      if (event.kind === 'status' && terminal.includes(event.status.status)) return
    }
  }
}

// sorted is JSON whose keys stand in order, so that equal contents have equal texts.
const sorted = (value) => JSON.stringify(value, (_, v) => v?.constructor === Object ? Object.fromEntries(Object.entries(v).sort()) : v)

// calls are those of the service, of a backend { name, version, summary, schema, configure, health, operations }.
function calls(backend) {
  const jobs = new Map()
  const keys = new Map()
  let closed = false
  const job = (id) => {
    if (!jobs.has(id)) throw new Fault('job_not_found', 'there is no such job in this process', { resource: id, hint: "this backend's jobs live and die with its process" })
    return jobs.get(id)
  }
  return {
    Describe: () => ({ ...backend, protocol: 1, settings_schema: Buffer.from(JSON.stringify(backend.schema)) }),
    Configure({ json }) {
      const settings = JSON.parse(json.length ? json.toString() : '{}')
      const problems = []
      for (const [key, value] of Object.entries(settings)) {
        const known = Object.hasOwn(backend.schema.properties, key) && backend.schema.properties[key]
        if (!known) problems.push({ key: key.slice(0, 256), message: 'unknown setting' })
        else if (typeof value !== known.type) problems.push({ key, message: `must be of the type ${known.type}` })
      }
      if (problems.length) throw new Fault('config_invalid', 'the settings are wrong', { problems: problems.slice(0, 100) })
      backend.configure(settings)
      return {}
    },
    Capabilities: () => ({ operations: Object.keys(backend.operations) }),
    async CheckHealth() {
      const why = await backend.health().catch(String)
      return { healthy: !why, message: why }
    },
    Submit(submission) {
      const field = submission.request?.request
      const operation = field?.replaceAll('_', '-')
      if (!backend.operations[operation]) throw new Fault('unsupported', `this backend does not do ${operation ?? 'an operation of the future'}`)
      if (submission.shard.length) throw new Fault('unsupported', 'this backend does not scan in shards')
      const { idempotency_key: key, work_dir, ...content } = submission
      if (key.length > 255) throw new Fault('invalid_argument', 'the idempotency key has more than 255 characters')
      if (closed) throw new Fault('conflict', 'the backend is closing and takes no more jobs')
      const digest = createHash('sha256').update(sorted(content)).digest('hex')
      if (key && keys.has(key)) {
        const earlier = keys.get(key)
        if (earlier.digest !== digest) throw new Fault('conflict', 'the idempotency key was used for another submission')
        return earlier.job.state
      }
      const made = new Job(operation, submission.request[field])
      jobs.set(made.state.job_id, made)
      if (key) keys.set(key, { digest, job: made })
      setImmediate(() => made.run(backend.operations[operation]))
      return { ...made.state }
    },
    GetJob: ({ id }) => job(id).state,
    WatchJob: (request, call) => job(request.id).follow(request.after, call),
    GetResult({ id }) {
      const { state, result } = job(id)
      if (state.status !== 'completed') throw new Fault('job_not_complete', `the job is ${state.status}`, { resource: id, cause_fault: state.fault })
      return { [state.operation.replaceAll('-', '_')]: result }
    },
    async CancelJob({ id }) {
      const found = job(id)
      const late = found.ended
      await found.cancel()
      if (late || found.state.status !== 'cancelled') throw new Fault('conflict', `the job is already ${found.state.status}`, { resource: id })
      return found.state
    },
    async Close() {
      closed = true
      const grace = new Promise((resolve) => setTimeout(resolve, endGrace).unref())
      await Promise.race([grace, Promise.all([...jobs.values()].map((j) => j.cancel()))])
      return {}
    },
  }
}

// failing makes what a call throws what the protocol says: a status, and the fault in the trailer.
function failing(error) {
  const { fields } = Fault.of(error)
  if (fields.code === 'internal') log('error', fields.cause)
  const metadata = new grpc.Metadata()
  metadata.set('atg-fault-bin', Buffer.from(faultType.encode(faultType.fromObject(fields)).finish()))
  return { code: grpc.status[status[fields.code] ?? 'INTERNAL'], details: fields.message, metadata }
}

const unary = (answer) => async (call, callback) => {
  try {
    callback(null, await answer(call.request, call))
  } catch (error) {
    callback(failing(error))
  }
}

const stream = (answer) => async (call) => {
  try {
    await answer(call.request, call)
    call.end()
  } catch (error) {
    call.emit('error', failing(error))
  }
}

// serve serves a backend until the host ends it.
export async function serve(backend) {
  if (process.env.ATG_BACKEND_COOKIE !== '4a1d7c0e-atg-backend') {
    console.error(`This program is the atg backend ${backend.name} ${backend.version}; atg starts it. Try: atg backend test ${process.argv[1]}`)
    process.exit(2)
  }
  if (process.platform === 'win32') {
    console.error('This backend does not run on Windows: it speaks no TLS.')
    process.exit(1)
  }
  const { WatchJob, ...others } = calls(backend)
  const end = async () => {
    await others.Close()
    process.kill(0, 'SIGKILL') // what this program has started, and itself: it leads a process group of its own
  }
  process.on('SIGINT', () => {})
  process.on('SIGTERM', end)
  process.stdin.on('end', end).resume()

  const server = new grpc.Server({ 'grpc.max_receive_message_length': largestMessage, 'grpc.max_send_message_length': largestMessage })
  server.addService(services.atg.backend.v1.Backend.service,
    { WatchJob: stream(WatchJob), ...Object.fromEntries(Object.entries(others).map(([name, call]) => [name, unary(call)])) })
  const bytes = { requestStream: false, responseStream: false, requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b }
  server.addService({ Shutdown: { path: '/plugin.GRPCController/Shutdown', ...bytes } },
    { Shutdown: (_, answer) => { answer(null, Buffer.alloc(0)); setTimeout(end, 50) } })
  const socket = path.join(process.env.PLUGIN_UNIX_SOCKET_DIR, 'backend.sock')
  server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error
    process.stdout.write(`1|1|unix|${socket}|grpc|\n`)
  })
}
