"""A client of the contract that shares nothing with the host: Python grpcio, stubs generated when it starts.

The contract's .proto is written from the field table of the golden fixtures (contract 1.2), never from our own files.
A process speaks one dialect: both have the same names, which one descriptor pool cannot hold.
"""
import hashlib
import importlib
import importlib.util
import pathlib
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[3]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
METHODS = {
    "JUNE": "Run Checkpoint Restore",
    "AUTUMN": "Run Checkpoint Restore UploadPausedCheckpoint PruneLocalCheckpoints Terminate",
}
HEALTH = """syntax = "proto3"; package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
"""
DETAILS = """syntax = "proto3"; package foreign.rpc; import "google/protobuf/any.proto";
message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
"""


def stubs(dialect):
    """Writes the .proto files, compiles them and imports what came out."""
    spec = importlib.util.spec_from_file_location("make", ROOT / "Tests/ContractWireTests/Fixtures/make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    contract = make.proto(dialect, getattr(make, dialect))
    contract = contract.replace(f"package golden_{dialect.lower()};", "package atelet;") + "\nservice AteomHerder {\n"
    for method in METHODS[dialect].split():
        contract += f"  rpc {method}({method}Request) returns ({method}Response);\n"
    files = {
        "contract": contract + "}\n",
        "health": HEALTH,
        "details": DETAILS,
        "own": (ROOT / "Sources/ContractWire/Protos/host.proto").read_text(),
    }
    with tempfile.TemporaryDirectory() as work:
        for name, text in files.items():
            pathlib.Path(work, f"{name}.proto").write_text(text)
        include = importlib.util.find_spec("grpc_tools").submodule_search_locations[0] + "/_proto"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{work}", f"-I{include}", f"--python_out={work}"]
        command += [f"--grpc_python_out={work}"] + [f"{name}.proto" for name in files]
        subprocess.run(command, check=True)
        sys.path.insert(0, work)
        try:
            return {
                name: importlib.import_module(name)
                for file in files
                for name in (f"{file}_pb2", f"{file}_pb2_grpc")
            }
        finally:
            sys.path.remove(work)


class Client:
    """A channel with its stubs, and what a test says about the answers."""

    def __init__(self, dialect, target, image, asset):
        self.dialect, self.target, self.image, self.asset, self.failures = dialect, target, image, asset, 0
        made = stubs(dialect.upper())
        self.pb, self.own, self.details = made["contract_pb2"], made["own_pb2"], made["details_pb2"]
        self.channel = grpc.insecure_channel(target)
        self.contract = made["contract_pb2_grpc"].AteomHerderStub(self.channel)
        self.host = made["own_pb2_grpc"].HostStub(self.channel)
        self.health, self.health_pb = made["health_pb2_grpc"].HealthStub(self.channel), made["health_pb2"]
        answer = self.health.Check(self.health_pb.HealthCheckRequest(), timeout=10)
        self.check("grpc.health.v1 is SERVING", answer.status == self.health_pb.HealthCheckResponse.SERVING, answer)

    def check(self, name, good, detail=""):
        self.failures += not good
        print(("ok    " if good else "FAIL  ") + name + ("" if good else f": {detail}"), flush=True)
        return good

    def equal(self, name, have, want):
        return self.check(name, have == want, f"have {have!r}, want {want!r}")

    def call(self, method, request, timeout=30):
        """The outcome of a call, as (code, message, reason); bytes are sent as they are."""
        if isinstance(request, bytes):
            stub = self.channel.unary_unary(f"/atelet.AteomHerder/{method}")
        else:
            stub = getattr(self.contract, method)
        try:
            _, call = stub.with_call(request, timeout=timeout)
        except grpc.RpcError as error:
            call = error
        trailers = call.trailing_metadata() or ()
        elapsed = [value for key, value in trailers if key == "x-server-elapsed-us"]
        if call.code() is not grpc.StatusCode.DEADLINE_EXCEEDED and not (len(elapsed) == 1 and elapsed[0].isdigit()):
            self.check(f"{method}: exactly one x-server-elapsed-us", False, trailers)
        reason = None
        for key, value in trailers:
            if key == "grpc-status-details-bin":
                reason = self.reason(value, call)
        return call.code().name, call.details(), reason

    def reason(self, value, call):
        status = self.details.Status.FromString(value)
        self.equal("details: the code is the status's", status.code, call.code().value[0])
        for one in status.details:
            if one.type_url == "type.googleapis.com/google.rpc.ErrorInfo":
                info = self.details.ErrorInfo.FromString(one.value)
                self.equal("ErrorInfo: the domain", info.domain, "substrate.dev")
                return info.reason
        return None

    def good(self, name, method, request, timeout=30):
        code, text, _ = self.call(method, request, timeout)
        return self.check(name, code == "OK", f"{code} {text}")

    def refused(self, name, method, request, code, text="", reason=None, timeout=30):
        """Expects a refusal; a text that ends in … is a beginning."""
        have = self.call(method, request, timeout)
        fits = have[1].startswith(text[:-1]) if text.endswith("…") else text in ("", have[1])
        right = have[0] == code and fits and (reason is None or have[2] == reason)
        self.check(name, right, f"have {have}, want {(code, text, reason)}")

    def actor(self, key):
        return self.host.Get(self.own.GetRequest(actor=key), timeout=10)

    def actors(self):
        return [one.actor for one in self.host.List(self.own.ListRequest(), timeout=10).actors]

    def is_ready(self, name, key):
        actor = self.actor(key)
        self.check(f"{name}: the actor is still ready", actor.status == "ready" and actor.pid > 0, actor)

    def becomes(self, key, status, seconds=10):
        """Waits on the actor's events until it has a status."""
        actor = None
        try:
            for actor in self.host.Watch(self.own.WatchRequest(actor=key), timeout=seconds):
                if actor.status == status:
                    return actor
        except grpc.RpcError as error:
            self.check(f"{key} becomes {status}", False, f"{error.code()}, last seen: {actor}")
        return actor

    def becomes_live(self, key):
        """Waits until the host knows an actor, and a program was begun for it."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                actor = self.actor(key)
                if actor.status in ("starting", "restoring", "ready", "failed"):
                    return actor
            except grpc.RpcError:
                pass
            time.sleep(0.005)
        return None

    def count(self, key):
        """One more on the workload's counter, as {"memory": N, "data": N}."""
        self.port = self.host.Publish(self.own.PublishRequest(actor=key, port=8080), timeout=10).port
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=10) as answer:
            return {name: int(value) for name, value in (one.split("=") for one in answer.read().decode().split())}

    def is_closed(self, name):
        """Waits until the last published port refuses, as it must soon after its actor ended."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                return
            time.sleep(0.01)
        self.check(f"{name}: the published port is closed", False, self.port)

    def container(self, command=("/counter",)):
        probe = {"http_get": {"path": "/readyz", "port": 8080}}
        container = self.pb.Container(name="counter", image=self.image, command=command)
        container.volume_mounts.add(name="data", mount_path="/data")
        if self.dialect == "june":
            container.readyz.MergeFrom(self.pb.Readyz(**probe))
        else:
            container.wakeup_probe.MergeFrom(self.pb.WakeupProbe(**probe, timeout_seconds=20))
        return container

    def request(self, kind, name, slot, **fields):
        """A Run-, Checkpoint-, RestoreRequest or another one of the counter."""
        if self.dialect == "june":
            ids = {"actor_template_namespace": "ns", "actor_template_name": "counter.v1", "actor_id": name}
            volume = {"name": "data", "type": 1, "durable_dir": {}}
        else:
            uid = hashlib.md5(name.encode()).hexdigest()
            ids = {"atespace": "space", "actor_name": name, "actor_uid": uid}
            ids |= {"actor_template_atespace": "space", "actor_template_name": "counter"}
            volume = {"name": "data", "durable_dir": {}}
        request = getattr(self.pb, kind)(target_ateom_uid=slot, **ids)
        request.spec.containers.append(self.container())
        request.spec.volumes.add(**volume)
        if kind == "RunRequest" or (kind == "RestoreRequest" and self.dialect == "autumn"):
            request.sandbox_assets.sandbox_class = "process"
            if self.dialect == "june":
                self.add_asset(request)
        if kind in ("CheckpointRequest", "RestoreRequest"):
            request.type, request.scope = 1, 2
        for field, value in fields.items():
            setattr(request, field, value)
        return request

    def add_asset(self, request, url=None, sha256=None):
        files = request.sandbox_assets.assets[ARCHITECTURE].files
        files["tool"].url = url or f"file://{self.asset}"
        files["tool"].sha256 = sha256 or hashlib.sha256(pathlib.Path(self.asset).read_bytes()).hexdigest()

    def key(self, name):
        return f"ns:counter.v1:{name}" if self.dialect == "june" else f"space/{name}"

    def local(self, request, name):
        if self.dialect == "june":
            request.local_config.snapshot_prefix = name
        else:
            request.local_config.snapshot_name = name
        return request

    def external(self, request, uri="gs://bucket/a/b/"):
        field = "snapshot_uri_prefix" if self.dialect == "june" else "snapshot_uri"
        request.type = 2
        setattr(request.external_config, field, uri)
        return request

    def tidy(self, *names):
        """Stops and removes what a scenario made, so that the next one finds nothing."""
        for name in names:
            for method, kind in ((self.host.Stop, self.own.StopRequest), (self.host.Remove, self.own.RemoveRequest)):
                try:
                    method(kind(actor=self.key(name)), timeout=20)
                except grpc.RpcError as error:
                    if error.code() is not grpc.StatusCode.NOT_FOUND and kind is self.own.RemoveRequest:
                        self.check(f"{name} is removed", False, error)
