"""What makes a Python program an atg backend: handshake, errors, jobs and their events.

Written from docs/backend-protocol.md and the proto files alone; it needs grpcio 1.51 and protobuf 4.21, or newer.
A backend subclasses Backend and calls serve().
"""

import bisect
import hashlib
import json
import logging
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from concurrent import futures

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from atg.backend.v1 import backend_pb2 as pb
from atg.backend.v1 import fault_pb2

COOKIE = "4a1d7c0e-atg-backend"
PROTOCOL = 1
LARGEST_MESSAGE = 64 << 20  # bytes
READERS = 128  # how many calls are served at once; each one that watches a job holds a thread
END_GRACE = 1.5  # seconds for jobs to stop in; atg kills the process two seconds after Close

log = logging.getLogger("atg")


class Fault(Exception):
    """The error of a call or a job: a code of docs/backend-protocol.md, what happened, and what to do next."""

    def __init__(self, code, message, hint="", problems=(), on="", cause=""):
        super().__init__(message)
        self.message = fault_pb2.Fault(
            code=code, message=message[:4096], hint=hint, resource=on[:1024], origin="backend", cause=cause[:4096],
            retryable=code in ("service_unavailable", "throttled"),
            problems=[fault_pb2.Problem(key=k[:256], message=m, hint=h) for k, m, h in problems[:100]])

    @staticmethod
    def of(error):
        """The fault that an exception is: what nobody foresaw is internal."""
        if isinstance(error, Fault):
            return error
        log.error("unexpected", exc_info=error)
        return Fault("internal", f"an unexpected {type(error).__name__}", cause=str(error))


STATUS = {
    "invalid_argument": "INVALID_ARGUMENT", "config_invalid": "INVALID_ARGUMENT", "unsupported": "UNIMPLEMENTED",
    "job_not_found": "NOT_FOUND", "artifacts_not_available": "NOT_FOUND", "job_not_complete": "FAILED_PRECONDITION",
    "conflict": "FAILED_PRECONDITION", "service_unavailable": "UNAVAILABLE", "execution_failed": "ABORTED",
    "auth_required": "UNAUTHENTICATED", "auth_failed": "UNAUTHENTICATED", "forbidden": "PERMISSION_DENIED",
    "integrity": "DATA_LOSS", "cancelled": "CANCELLED",
}
TERMINAL = ("completed", "failed", "cancelled")


def now():
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


class Cancelled(Exception):
    """Raised by Job.check in a job that has to stop."""


class Job:
    """A job and its events. The work calls progress, log, check and path; all else is the plumbing's."""

    def __init__(self, operation, request, root):
        self.request = request  # the ScanRequest, or what else the operation takes
        self.stop = threading.Event()
        self.ended = threading.Event()
        self.changed = threading.Condition()
        self.events = []
        self.count = 0
        self.result = None
        self.dir = root / uuid.uuid4().hex
        self.state = pb.Job(job_id=self.dir.name, operation=operation, tenant_id=request.tenant_id, status="pending",
                            attempt=1, created_at=now())
        self._move()

    # For the work.

    def check(self):
        """Raises Cancelled if the job was cancelled. Call it often, and rather than time.sleep call stop.wait."""
        if self.stop.is_set():
            raise Cancelled()

    def progress(self, phase, done, total=0, unit="", message=""):
        self.state.phase = phase
        self._add(pb.Event(kind="progress", progress=pb.Progress(phase=phase, done=done, total=total, unit=unit, message=message)))

    def log(self, level, message):
        """Tells the user something; level is debug, info, warn or error."""
        self._add(pb.Event(kind="log", log=pb.Log(level=level, message=message)))

    def path(self, name):
        """Where to write an artifact; name may have folders, with slashes."""
        path = self.dir / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    # For the plumbing.

    def _add(self, event):
        with self.changed:
            self.count += 1
            event.seq = self.count
            event.time.CopyFrom(now())
            if event.kind == "progress" and self.events and self.events[-1].kind == "progress":
                self.events.pop()  # coalesced: who has not seen it sees the newer one
            self.events.append(event)
            self.changed.notify_all()

    def _move(self, status=None, fault=None):
        if status:
            self.state.status = status
        if status == "running":
            self.state.started_at.CopyFrom(now())
        if status in TERMINAL:
            self.state.completed_at.CopyFrom(now())
        if fault:
            self.state.error = fault.message.message
            self.state.fault.CopyFrom(fault.message)
        self._add(pb.Event(kind="status", status=self.state))

    def run(self, work):
        try:
            self.check()
            self._move("running")
            self.result = work(self)
            self._move("completed")
        except Cancelled:
            self._move("cancelled")
        except Exception as error:  # whatever it is, it ends this job alone
            self._move("failed", Fault.of(error))
        finally:
            self.ended.set()

    def follow(self, after, context):
        """Yields the events above a number, past and future, up to the terminal one."""

        def wake():  # when the reader goes away
            with self.changed:
                self.changed.notify_all()

        context.add_callback(wake)
        while True:
            with self.changed:
                while not (events := self.events[bisect.bisect_right(self.events, after, key=lambda e: e.seq):]):
                    if not context.is_active():
                        return
                    self.changed.wait()
            for event in events:
                yield event
                after = event.seq
                if event.kind == "status" and event.status.status in TERMINAL:
                    return

    def artifacts(self):
        files = sorted(p for p in self.dir.rglob("*") if p.is_file()) if self.dir.exists() else []
        return [pb.Artifact(path=p.relative_to(self.dir).as_posix(), size=p.stat().st_size,
                            sha256=hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]


class Backend:
    """What a subclass says of itself, and the calls that are the same for all."""

    name = version = summary = ""
    schema = {"type": "object", "additionalProperties": False, "properties": {}}

    def configure(self, settings):
        """Takes the settings, a dict that fits the schema, or raises a Fault with one problem for each that is wrong."""

    def health(self):
        """Answers why the backend does not work, or "" if it does."""
        return ""

    def operations(self):
        """Answers which functions do which operations: {"scan": self.scan}. Each takes a Job and returns the result."""
        return {}

    def __init__(self):
        self.lock = threading.Lock()
        self.jobs = {}  # by id, oldest first
        self.keys = {}  # idempotency key: (what was submitted, job)
        self.closed = False
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"atg-{self.name}-"))

    def Describe(self, _, context):
        return pb.Description(name=self.name, version=self.version, protocol=PROTOCOL, summary=self.summary,
                              settings_schema=json.dumps(self.schema).encode())

    def Configure(self, settings, context):
        given = json.loads(settings.json or b"{}")
        known = self.schema["properties"]
        kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
        problems = [(k, "unknown setting", "known are " + ", ".join(known)) for k in given if k not in known]
        for key, value in given.items():
            kind = known.get(key, {}).get("type")
            if kind and (not isinstance(value, kinds[kind]) or kind != "boolean" and isinstance(value, bool)):
                problems.append((key, f"must be of the type {kind}", ""))
        if problems:
            raise Fault("config_invalid", "the settings are wrong", problems=problems)
        self.configure(given)
        return pb.Empty()

    def Capabilities(self, _, context):
        return pb.CapabilitiesResponse(operations=self.operations(), features=["list_jobs", "artifacts"])

    def CheckHealth(self, _, context):
        try:
            why = self.health()
        except Exception as error:  # this call never fails
            why = str(Fault.of(error))
        return pb.Health(healthy=not why, message=why)

    def Submit(self, submission, context):
        operation = (submission.request.WhichOneof("request") or "").replace("_", "-")
        work = self.operations().get(operation)
        if not work:
            raise Fault("unsupported", f"this backend does not do {operation or 'an operation of the future'}")
        if submission.shard:
            raise Fault("unsupported", "this backend does not scan in shards")
        key, content = submission.idempotency_key, pb.Submission()
        if len(key) > 255:
            raise Fault("invalid_argument", "the idempotency key has more than 255 characters")
        content.CopyFrom(submission)
        content.work_dir = ""  # where it works is not what it asks for
        digest = hashlib.sha256(content.SerializeToString(deterministic=True)).digest()
        with self.lock:
            if self.closed:
                raise Fault("conflict", "the backend is closing and takes no more jobs")
            if key in self.keys:
                earlier, job = self.keys[key]
                if earlier != digest:
                    raise Fault("conflict", "the idempotency key was used for another submission", on=job.state.job_id)
                return job.state
            job = Job(operation, getattr(submission.request, submission.request.WhichOneof("request")), self.root)
            self.jobs[job.state.job_id] = job
            if key:
                self.keys[key] = digest, job
        answer = pb.Job()
        answer.CopyFrom(job.state)
        threading.Thread(target=job.run, args=(work,), daemon=True).start()
        return answer

    def job(self, id):
        try:
            return self.jobs[id]
        except KeyError:
            raise Fault("job_not_found", "there is no such job in this process", on=id,
                        hint="this backend's jobs live and die with its process")

    def GetJob(self, request, context):
        return self.job(request.id).state

    def WatchJob(self, request, context):
        yield from self.job(request.id).follow(request.after, context)

    def completed(self, id):
        job = self.job(id)
        if job.state.status != "completed":
            fault = Fault("job_not_complete", f"the job is {job.state.status}", on=id)
            if job.state.status == "failed":
                fault.message.cause_fault.CopyFrom(job.state.fault)
            raise fault
        return job

    def GetResult(self, request, context):
        job = self.completed(request.id)
        return pb.Result(**{job.state.operation.replace("-", "_"): job.result})

    def CancelJob(self, request, context):
        job = self.job(request.id)
        finished = job.ended.is_set()
        job.stop.set()
        while not job.ended.wait(1) and context.is_active():
            pass
        if finished or job.state.status != "cancelled":
            raise Fault("conflict", f"the job is already {job.state.status}", on=request.id)
        return job.state

    def Close(self, _, context):
        self.closed = True
        until = time.monotonic() + END_GRACE
        for job in list(self.jobs.values()):
            job.stop.set()
        for job in list(self.jobs.values()):
            job.ended.wait(max(0, until - time.monotonic()))
        shutil.rmtree(self.root, ignore_errors=True)
        return pb.Empty()

    def ListJobs(self, f, context):
        with self.lock:
            jobs = [j.state for j in reversed(self.jobs.values())]
        jobs = [j for j in jobs if f.status in ("", j.status) and f.operation in ("", j.operation) and f.tenant_id in ("", j.tenant_id)]
        if f.cursor:
            ids = [j.job_id for j in jobs]
            if f.cursor not in ids:
                raise Fault("invalid_argument", "the cursor belongs to no page of this list")
            jobs = jobs[ids.index(f.cursor) + 1:]
        limit = f.limit or 100
        return pb.JobPage(jobs=jobs[:limit], cursor=jobs[limit - 1].job_id if len(jobs) > limit else "")

    def ListArtifacts(self, request, context):
        return pb.ArtifactList(artifacts=self.completed(request.id).artifacts())

    def DownloadArtifacts(self, request, context):
        job = self.completed(request.id)
        written = job.artifacts()
        for done, artifact in enumerate(written, 1):
            target = pathlib.Path(request.dir, artifact.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as temporary:
                temporary.write((job.dir / artifact.path).read_bytes())
            os.replace(temporary.name, target)
            yield pb.DownloadUpdate(progress=pb.Progress(phase="download", done=done, total=len(written), unit="files"))
        yield pb.DownloadUpdate(written=pb.ArtifactList(artifacts=written))


def fails_well(call, streams):
    """Makes an exception of a call what the protocol says: a status, and the fault in the trailer."""

    def abort(context, error):
        fault = Fault.of(error).message
        context.set_trailing_metadata((("atg-fault-bin", fault.SerializeToString()),))
        context.abort(grpc.StatusCode[STATUS.get(fault.code, "INTERNAL")], fault.message)

    def unary(request, context):
        try:
            return call(request, context)
        except Exception as error:
            abort(context, error)

    def stream(request, context):
        try:
            yield from call(request, context)
        except Exception as error:
            abort(context, error)

    return stream if streams else unary


def methods(backend):
    """The calls that the backend has. gRPC itself answers UNIMPLEMENTED to the others, which is what is wanted."""
    handlers = {}
    for method in pb.DESCRIPTOR.services_by_name["Backend"].methods:
        call, streams = getattr(backend, method.name, None), method.name in ("WatchJob", "DownloadArtifacts")
        if call:
            make = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
            handlers[method.name] = make(fails_well(call, streams), request_deserializer=getattr(pb, method.input_type.name).FromString,
                                         response_serializer=lambda message: message.SerializeToString())
    return handlers


class HostLog(logging.Handler):
    """Writes log lines as the host reads them. Never log a secret."""

    LEVELS = {"trace": 1, "debug": 10, "info": 20, "warn": 30, "error": 40}

    def emit(self, record):
        level = max((l for l in self.LEVELS if self.LEVELS[l] <= record.levelno), key=self.LEVELS.get, default="trace")
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        print(json.dumps({"@level": level, "@message": text}), file=sys.stderr, flush=True)


def serve(backend_class):
    """Serves a backend until the host ends it."""
    if os.environ.get("ATG_BACKEND_COOKIE") != COOKIE:
        print(f"This program is the atg backend {backend_class.name} {backend_class.version}; atg starts it. Try: "
              f"atg backend test {sys.argv[0]}", file=sys.stderr)
        sys.exit(2)
    if os.name == "nt":
        sys.exit("This backend does not run on Windows: it speaks no TLS.")
    level = os.environ.get("ATG_BACKEND_LOG_LEVEL", "info")
    logging.basicConfig(handlers=[HostLog()], level=HostLog.LEVELS.get(level, 20))
    backend = backend_class()
    ending = threading.Event()

    def read_lifeline():
        while os.read(0, 4096):
            pass
        ending.set()

    def shutdown(_, context):
        threading.Timer(0.05, ending.set).start()  # the answer goes first
        return b""

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    threading.Thread(target=read_lifeline, daemon=True).start()

    size = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(READERS), options=size)
    raw = grpc.unary_unary_rpc_method_handler  # of bytes: these messages need no code
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("atg.backend.v1.Backend", methods(backend)),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": raw(shutdown)}),
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": raw(lambda *_: b"\x08\x01")}),  # SERVING
    ))
    socket = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "backend.sock")
    server.add_insecure_port("unix:" + socket)
    server.start()
    print(f"1|{PROTOCOL}|unix|{socket}|grpc|", flush=True)

    while not ending.wait(1):  # a wait without end would keep signals out
        pass
    backend.Close(None, None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # what this program has started, and itself
    os._exit(0)
