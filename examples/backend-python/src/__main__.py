"""atg-backend-inventory: scans an inventory, a JSON document that somebody keeps by hand, instead of Azure."""

import json
import time
import urllib.request

import atg_backend
from atg.backend.v1 import results_pb2 as results
from atg.backend.v1 import snapshots_pb2 as snapshots
from atg_backend import Fault


class Inventory(atg_backend.Backend):
    name = "inventory"
    version = "1.0.0"
    summary = "counts what an inventory in JSON lists"
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "inventory": {"type": "string", "description": "The inventory: the path of a JSON file, or an https:// address."},
            "token": {"type": "string", "description": "What the address wants as bearer token.", "writeOnly": True},
            "seconds_per_resource": {"type": "number", "description": "Slows the scan down, to watch it and to cancel it."},
        },
    }

    def configure(self, settings):
        self.source = settings.get("inventory", "")
        self.token = settings.get("token", "")
        self.pace = settings.get("seconds_per_resource", 0)
        problems = []
        if self.pace < 0:
            problems.append(("seconds_per_resource", "must not be negative", ""))
        if self.token and not self.source.startswith("https://"):
            problems.append(("token", "is sent to https:// addresses alone", "leave it out"))
        if problems:
            raise Fault("config_invalid", "the settings are wrong", problems=problems)

    def health(self):
        try:
            self.read()
        except Fault as fault:
            return str(fault)
        return ""

    def operations(self):
        return {"scan": self.scan}

    def read(self):
        hint = "set backends.inventory.settings.inventory"
        if not self.source:
            raise Fault("execution_failed", "no inventory is configured", hint=hint)
        try:
            if self.source.startswith("https://"):
                request = urllib.request.Request(self.source, headers={"Authorization": "Bearer " + self.token} if self.token else {})
                with urllib.request.urlopen(request, timeout=30) as answer:
                    document = json.load(answer)
            else:
                with open(self.source, encoding="utf-8") as file:
                    document = json.load(file)
        except (OSError, ValueError) as error:
            raise Fault("execution_failed", "the inventory cannot be read", hint=hint, on=self.source, cause=str(error))
        groups = document.get("subscriptions") if isinstance(document, dict) else None
        if not isinstance(groups, list) or not all(isinstance(g, dict) and isinstance(g.get("id"), str) for g in groups):
            raise Fault("execution_failed", 'the inventory is no object with a list of "subscriptions", each with an "id"', on=self.source)
        return groups

    def scan(self, job):
        began, request = time.monotonic(), job.request
        groups = [g for g in self.read() if one_of(request.filter.subscriptions, g["id"])]
        sizes = [len(g.get("resources", [])) for g in groups]
        if request.dry_run:
            parts = [results.PlannedPart(key=g["id"], rows=n, calls=1) for g, n in zip(groups, sizes)]
            return results.ScanResult(success=True, complete=True, plan=results.ScanPlan(parts=parts, rows=sum(sizes), calls=len(parts)))

        found, ledger, seen = 0, [], 0
        job.log("info", f"{sum(sizes)} resources in {len(groups)} subscriptions")
        with open(job.path("resources.ndjson"), "w", encoding="utf-8") as file:
            for group in groups:
                entry = snapshots.CoverageEntry(scope=group["id"], name=group.get("name", ""), kind="inventory", state="listed", expected=-1)
                for resource in group.get("resources", []):
                    if request.resource_limit and found >= request.resource_limit:
                        entry.state = "limited"
                        break
                    job.progress("inventory", seen, sum(sizes), "resources")
                    job.stop.wait(self.pace)
                    job.check()
                    seen += 1
                    if wanted(request.filter, resource):
                        file.write(json.dumps(resource, sort_keys=True) + "\n")
                        found += 1
                        entry.listed += 1
                    job.state.progress = seen / sum(sizes)
                if "denied" in group:  # the ledger says what could not be read, and why; so the scan is not complete
                    entry.state = "denied"
                    entry.fault.CopyFrom(Fault("forbidden", str(group["denied"]), on=group["id"]).message)
                job.log("info", f"{group['id']}: {entry.state}, {entry.listed} resources")
                ledger.append(entry)
        job.progress("inventory", seen, sum(sizes), "resources")
        complete = all(e.state != "denied" for e in ledger)
        return results.ScanResult(
            success=True, complete=complete, subscriptions=len(groups), resources=found, duration_seconds=time.monotonic() - began,
            coverage=snapshots.Coverage(complete=complete, entries=ledger))


def one_of(names, name):
    return not names or str(name).lower() in [n.lower() for n in names]


def wanted(f, resource):
    """Whether the filter of a scan takes a resource: all fields must hold, names compare without regard to case."""
    kind, tags = resource.get("type", ""), resource.get("tags", {})
    return (one_of(f.resource_groups, resource.get("resource_group", "")) and one_of(f.resource_types, kind)
            and one_of(f.locations, resource.get("location", "")) and not (f.exclude_types and one_of(f.exclude_types, kind))
            and all(name in tags and value in ("", tags[name]) for name, value in f.tags.items()))


if __name__ == "__main__":
    atg_backend.serve(Inventory)
