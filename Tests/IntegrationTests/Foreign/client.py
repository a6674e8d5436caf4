#!/usr/bin/env python3
"""usage: client.py SCENARIO DIALECT TARGET IMAGE ASSET

Takes one scenario against a host that runs; prints `ok` or `FAIL` for each claim; exits 0 when none failed.
TARGET is unix:PATH or HOST:PORT; ASSET is a file beneath the host's --asset-root.
"""
import hashlib
import os
import pathlib
import signal
import socket
import struct
import sys
import time

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from grpc_reflection.v1alpha import proto_reflection_descriptor_database as reflected
from grpc_reflection.v1alpha import reflection_pb2

import flood
import wire


def tour(client, name):
    """Run, count, Checkpoint, Restore on another slot, count on, and away."""
    key, snapshot = client.key(name), name + "-one"
    if client.dialect == "june":
        snapshot = "id1-2026-06-30T17:22:15+02:00-ABCDEF"
    client.good("Run", "Run", client.request("RunRequest", name, f"{name}-1"))
    client.equal("the slot of the run", client.actor(key).slot, f"{name}-1")
    client.equal("the first count", client.count(key), {"memory": 1, "data": 1})
    client.equal("the second count", client.count(key), {"memory": 2, "data": 2})
    asked = client.local(client.request("CheckpointRequest", name, f"{name}-1"), snapshot)
    client.good("Checkpoint DATA LOCAL", "Checkpoint", asked)
    client.equal("after the checkpoint", client.actor(key).status, "paused")
    client.is_closed("Checkpoint")
    client.equal("nothing is published of it", len(client.actor(key).published), 0)
    client.good("Checkpoint again, same destination", "Checkpoint", asked)
    back = client.local(client.request("RestoreRequest", name, f"{name}-2"), snapshot)
    client.good("Restore on another slot", "Restore", back)
    actor = client.actor(key)
    client.equal("after the restore", (actor.status, actor.slot), ("ready", f"{name}-2"))
    client.equal("the counter goes on, in new memory", client.count(key), {"memory": 1, "data": 3})
    if client.dialect == "autumn":
        client.good("Terminate", "Terminate", client.request("TerminateRequest", name, f"{name}-2"))
        client.is_closed("Terminate")
        client.check("nothing is left of it", key not in client.actors(), client.actors())
    else:
        client.tidy(name)


def external(client, name):
    """Checkpoint to an object store, Restore from it on another slot; what is paused is uploaded later, or pruned."""
    key, uri = client.key(name), f"file://bucket/{name}/2026-06-30T17:22:15+02:00-ABC"
    client.good("Run", "Run", client.request("RunRequest", name, f"{name}-1"))
    client.equal("the first count", client.count(key), {"memory": 1, "data": 1})
    asked = client.external(client.request("CheckpointRequest", name, f"{name}-1"), uri)
    client.good("Checkpoint DATA EXTERNAL", "Checkpoint", asked)
    client.equal("after it", client.actor(key).status, "suspended")
    client.good("again, same destination", "Checkpoint", asked)
    # With and without a slash at its end it is the same place.
    back = client.external(client.request("RestoreRequest", name, f"{name}-2"), uri + "/")
    client.good("Restore on another slot", "Restore", back)
    client.equal("the counter goes on", client.count(key), {"memory": 1, "data": 2})
    taken = client.external(client.request("CheckpointRequest", name, f"{name}-2"), uri)
    client.refused("a place that is taken", "Checkpoint", taken, "FAILED_PRECONDITION", reason="SNAPSHOT_EXISTS")
    client.is_ready("a place that is taken", key)
    if client.dialect == "autumn":
        paused(client, name)
        client.good("Terminate", "Terminate", client.request("TerminateRequest", name, f"{name}-2"))
    else:
        client.tidy(name)


def paused(client, name):
    key, slot = client.key(name), f"{name}-2"
    ids = {"atespace": "space", "actor_name": name, "actor_uid": hashlib.md5(name.encode()).hexdigest()}
    client.good("Checkpoint LOCAL", "Checkpoint", client.local(client.request("CheckpointRequest", name, slot), "one"))
    upload = client.pb.UploadPausedCheckpointRequest(
        **ids, local_snapshot_name="one", destination_snapshot_uri=f"file://bucket/{name}/up", keep_local=True
    )
    wrong = client.pb.UploadPausedCheckpointRequest.FromString(upload.SerializeToString())
    wrong.actor_uid = "another"
    client.refused("another uid", "UploadPausedCheckpoint", wrong, "FAILED_PRECONDITION", reason="ACTOR_UID_MISMATCH")
    wide = client.pb.UploadPausedCheckpointRequest.FromString(upload.SerializeToString())
    wide.desired_scope = 1
    client.refused("more than it holds", "UploadPausedCheckpoint", wide, "FAILED_PRECONDITION", reason="SCOPE_UNSUPPORTED")
    client.good("UploadPausedCheckpoint, keep_local", "UploadPausedCheckpoint", upload)
    client.equal("the local copy is kept", client.actor(key).status, "paused")
    upload.keep_local = False
    upload.desired_scope = 2
    client.good("UploadPausedCheckpoint", "UploadPausedCheckpoint", upload)
    client.equal("the local copy is gone", client.actor(key).status, "suspended")
    client.good("again", "UploadPausedCheckpoint", upload)
    local = client.local(client.request("RestoreRequest", name, slot), "one")
    client.refused("Restore LOCAL", "Restore", local, "NOT_FOUND", reason="SNAPSHOT_NOT_FOUND")
    back = client.external(client.request("RestoreRequest", name, slot), f"file://bucket/{name}/up")
    back.external_config.sharing = 2
    client.good("Restore of what was uploaded", "Restore", back)
    client.equal("the counter goes on", client.count(key), {"memory": 1, "data": 3})
    client.good("Checkpoint LOCAL", "Checkpoint", client.local(client.request("CheckpointRequest", name, slot), "two"))
    prune = client.pb.PruneLocalCheckpointsRequest(**ids)
    client.good("PruneLocalCheckpoints", "PruneLocalCheckpoints", prune)
    client.good("and again", "PruneLocalCheckpoints", prune)
    local = client.local(client.request("RestoreRequest", name, slot), "two")
    client.refused("Restore of what was pruned", "Restore", local, "NOT_FOUND", reason="SNAPSHOT_NOT_FOUND")


def refusals(client, name):
    """What is refused of a live actor, none of which may touch it; alike in both dialects."""
    key, slot = client.key(name), f"{name}-1"
    run = client.request("RunRequest", name, slot)
    client.good("Run", "Run", run)
    client.good("Run twice, same bytes", "Run", run)
    other = client.request("RunRequest", name, slot)
    other.spec.containers[0].env.add(name="A", value="B")
    client.refused("Run twice, other bytes", "Run", other, "FAILED_PRECONDITION", reason="ACTOR_RUNNING")
    client.is_ready("other bytes", key)
    asked = client.external(client.request("CheckpointRequest", name, slot), "ftp://bucket/a/b")
    client.refused("Checkpoint EXTERNAL", "Checkpoint", asked, "INVALID_ARGUMENT", reason="SNAPSHOT_STORE")
    client.is_ready("EXTERNAL", key)
    asked = client.local(client.request("CheckpointRequest", name, slot, scope=1), "full")
    client.refused("Checkpoint FULL", "Checkpoint", asked, "FAILED_PRECONDITION", reason="SCOPE_UNSUPPORTED")
    client.is_ready("FULL", key)
    asked = client.local(client.request("CheckpointRequest", name, "elsewhere"), "wrong-slot")
    client.refused("Checkpoint in another slot", "Checkpoint", asked, "FAILED_PRECONDITION")
    client.is_ready("another slot", key)
    client.equal("no snapshot was made", list(client.actor(key).snapshots), [])
    asked = client.local(client.request("CheckpointRequest", "nobody", "nowhere"), "one")
    client.refused("Checkpoint of nobody", "Checkpoint", asked, "NOT_FOUND", reason="ACTOR_NOT_FOUND")
    back = client.external(client.request("RestoreRequest", "nobody", "nowhere"), "file://bucket/none")
    client.refused("Restore EXTERNAL", "Restore", back, "NOT_FOUND", reason="SNAPSHOT_NOT_FOUND")
    back = client.local(client.request("RestoreRequest", "nobody", "nowhere"), "none")
    client.refused("Restore of no snapshot", "Restore", back, "NOT_FOUND", reason="SNAPSHOT_NOT_FOUND")
    wrong = client.request("RunRequest", "nobody", "nowhere")
    wrong.sandbox_assets.sandbox_class = "microvm"
    client.refused("wrong sandbox_class", "Run", wrong, "FAILED_PRECONDITION", reason="SANDBOX_CLASS_MISMATCH")
    nul = client.request("RunRequest", "nobody", "nowhere")
    nul.spec.containers[0].image = "oci:/tmp\0/etc"
    code, text, _ = client.call("Run", nul)
    client.check("NUL is refused by field name", code == "INVALID_ARGUMENT" and "image" in text, (code, text))
    bad = run.SerializeToString().replace(b"/counter", b"/count\xff\xfe")
    code, text, _ = client.call("Run", bad)
    client.check("invalid UTF-8 is refused by field name", code == "INVALID_ARGUMENT" and "command" in text, (code, text))
    code, text, _ = client.call("Run", run.SerializeToString()[:-3])
    client.check("cut bytes are refused", code == "INVALID_ARGUMENT", (code, text))
    large = b"\x0a" + b"\x80\x80\x80\x0a" + b"a" * (20 << 20)
    client.refused("a request of 20 MiB", "Run", large, "RESOURCE_EXHAUSTED", "the request is 20971525 bytes…",
                   reason="LIMIT_EXCEEDED")
    client.refused("a method that is none", "Sing", b"", "UNIMPLEMENTED", reason="NOT_SERVED")
    client.is_ready("all of it", key)
    client.equal("no other actor came of it", client.actors(), [key])


def unready(client, name):
    """A workload that never becomes ready, and a caller with less patience than the probe."""
    slot, key = f"{name}-1", client.key(name)
    run = sleeper(client, name)
    begun = time.monotonic()
    client.refused("Run past its deadline", "Run", run, "DEADLINE_EXCEEDED", timeout=1.5)
    actor = client.becomes(key, "failed", 5)
    client.equal("its status", (actor.status, actor.reason, actor.pid), ("failed", "readiness_timeout", 0))
    client.check("the probe's own time was not waited for", time.monotonic() - begun < 8, time.monotonic() - begun)
    client.good("the slot is free for another", "Run", client.request("RunRequest", name + "-next", slot))
    client.tidy(name + "-next")
    client.good("the name is free for itself", "Run", client.request("RunRequest", name, slot))
    client.tidy(name)


    cancelled(client, name)
    late(client, name)


def sleeper(client, name):
    run = client.request("RunRequest", name, f"{name}-1")
    del run.spec.containers[0].command[:]
    run.spec.containers[0].command.extend(["/bin/busybox", "sleep", "1000"])
    return run


def cancelled(client, name):
    """A caller that gives up while the workload becomes ready."""
    key, call = client.key(name), client.contract.Run.future(sleeper(client, name), timeout=25)
    actor = client.becomes_live(key)
    client.check("Run is under way", actor is not None and actor.status in ("pulling", "starting"), actor)
    call.cancel()
    actor = client.becomes(key, "stopped", 10)
    client.equal("a cancelled Run is stopped", (actor.status, actor.reason, actor.pid), ("stopped", "", 0))
    client.good("and its slot is free", "Run", client.request("RunRequest", name + "-next", f"{name}-1"))
    client.tidy(name, name + "-next")


def late(client, name):
    """A caller that leaves the deadline to the host: what it is told."""
    one = flood.Connection(client.target.removeprefix("unix:"))
    message = sleeper(client, name).SerializeToString()
    one.send(flood.frame(flood.HEADERS, flood.END_HEADERS, 1,
                         flood.block("/atelet.AteomHerder/Run", [("grpc-timeout", "900m")])))
    one.send(flood.frame(flood.DATA, flood.END_STREAM, 1, b"\0" + struct.pack(">I", len(message)) + message))
    end = one.until(lambda kind, flags, *_: kind == flood.HEADERS and flags & flood.END_STREAM, 20)
    block = end[3] if end else b""
    # By the verb, which stops a little earlier, or by the transport on a machine that is slow.
    texts = (b'readyz for "counter" never returned 200', b"the deadline passed")
    client.check("the host's own deadline, in words", any(one in block for one in texts), block)
    for part in (b"grpc-status\x014", b"x-server-elapsed-us", b"grpc-status-details-bin"):
        client.check(f"the host's own deadline: {part}", part in block, block)
    actor = client.becomes(client.key(name), "failed", 5)
    client.equal("its status", (actor.status, actor.reason, actor.pid), ("failed", "readiness_timeout", 0))
    one.close()
    client.tidy(name)


def june_codes(client):
    def run(**fields):
        return client.request("RunRequest", "nobody", "slot", **fields)

    def named(*names):
        request = run()
        del request.spec.containers[:]
        for name in names:
            request.spec.containers.append(client.container())
            request.spec.containers[-1].name = name
        return request

    def asked(**fields):
        return client.local(client.request("CheckpointRequest", "nobody", "slot", **fields), "one")

    label = "a lowercase RFC 1123 label must consist of…"
    long = {"actor_template_namespace": "a" * 63, "actor_template_name": ("b" * 63 + ".") * 3 + "b" * 61}
    bare = run()
    bare.ClearField("sandbox_assets")
    foreign = run()
    foreign.sandbox_assets.assets.clear()
    foreign.sandbox_assets.assets["s390x"].files["tool"].sha256 = "a" * 64
    short = run()
    client.add_asset(short, sha256="deadbeef")
    both = client.request("RunRequest", "Bad", "slot")
    both.ClearField("sandbox_assets")
    bare_prefix = client.request("CheckpointRequest", "nobody", "slot")
    for rule, method, request, text in (
        ("V1", "Run", run(actor_template_namespace="a.b"), 'invalid namespace "a.b": must not contain dots'),
        ("V2", "Run", run(actor_template_name=".."), 'invalid template "..": a lowercase RFC 1123 subdomain…'),
        ("V3", "Run", run(actor_id="Up"), 'invalid actor ID "Up": ' + label),
        ("V4", "Run", run(actor_id="c" * 63, **long), f"actor ref {'a' * 63}:…"),
        ("V5", "Run", run(target_ateom_uid="../escape"), 'invalid target ateom UID "../escape": must not contain dots'),
        ("V6", "Run", named("a/b"), 'invalid container name "a/b": ' + label),
        ("V7", "Run", named("pause"), 'invalid container name "pause": reserved for sandbox infrastructure'),
        ("V8", "Run", named("one", "one"), 'duplicate container name "one"'),
        ("V9", "Checkpoint", asked(scope=0), "snapshot scope must be non-zero"),
        ("V9 unknown", "Checkpoint", asked(scope=23), "invalid snapshot scope: 23"),
        ("V9 Restore", "Restore", client.request("RestoreRequest", "nobody", "slot", scope=0),
         "snapshot scope must be non-zero"),
        ("V10", "Checkpoint", asked(type=0), "invalid checkpoint type: CHECKPOINT_TYPE_UNSPECIFIED"),
        ("V11", "Checkpoint", client.external(asked(), "gs://"), 'invalid snapshot URI prefix "gs://": missing bucket'),
        ("V11 wrong arm", "Checkpoint", asked(type=2), 'invalid snapshot URI prefix "": missing bucket'),
        ("V12", "Checkpoint", bare_prefix, "snapshot prefix must be non-empty for type CHECKPOINT_TYPE_LOCAL"),
        ("V13", "Run", bare, "missing sandbox_assets"),
        ("V14", "Run", foreign, f'sandbox_assets has no assets for architecture "{wire.ARCHITECTURE}"'),
        ("V15", "Run", short, "invalid asset sha256 hash: want 64 hex chars, got 8"),
        ("V3 before V13", "Run", both, 'invalid actor ID "Bad": ' + label),
    ):
        client.refused(rule, method, request, "INVALID_ARGUMENT", text)
    # Field 8 is Run's class and assets in autumn and nothing in June; field 9 is a varint nowhere in Run.
    raw = run()
    raw.ClearField("sandbox_assets")
    client.refused("wrong wire type", "Run", raw.SerializeToString() + b"\x48\x01", "INVALID_ARGUMENT",
                   "sandbox_assets: field 9 has wire type 0…")
    client.equal("nothing came of it", client.actors(), [])
    wrong = run()
    client.add_asset(wrong, sha256="0" * 64)
    code, text, reason = client.call("Run", wrong)
    client.check("an asset that is not what it should be", code != "OK" and reason == "ASSET", (code, text, reason))
    outside = run()
    passwd = pathlib.Path("/etc/passwd")
    client.add_asset(outside, url=f"file://{passwd}", sha256=hashlib.sha256(passwd.read_bytes()).hexdigest())
    code, text, reason = client.call("Run", outside)
    client.check("an asset outside the roots", code != "OK" and reason in ("ASSET", "POLICY"), (code, text, reason))
    client.tidy("nobody")
    refusals(client, "codes")
    second = client.request("RunRequest", "second", "codes-1")
    client.refused("one slot, one actor", "Run", second, "FAILED_PRECONDITION", reason="SLOT_OCCUPIED")
    client.is_ready("SLOT_OCCUPIED", client.key("codes"))
    client.tidy("codes")
    unready(client, "sleeper")


def autumn_codes(client):
    def run(**fields):
        return client.request("RunRequest", "nobody", "slot", **fields)

    def asked(**fields):
        return client.local(client.request("CheckpointRequest", "nobody", "slot", **fields), "one")

    for rule, method, request, text in (
        ("V1", "Run", run(atespace="a.b"), "atespace: …"),
        ("V3", "Run", run(actor_name="Up"), "actor_name: …"),
        ("V3 uid", "Run", run(actor_uid="../x"), "actor_uid: …"),
        ("V5", "Run", run(target_ateom_uid="../escape"), "target_ateom_uid: …"),
        ("V9", "Checkpoint", asked(scope=0), "scope: …"),
        ("V9 golden", "Checkpoint", asked(scope=3), "scope: …"),
        ("V10", "Checkpoint", asked(type=0), "type: …"),
        ("V11", "Checkpoint", client.external(asked(), "gs://"), "external_config.snapshot_uri: …"),
        ("V12", "Checkpoint", client.local(asked(), "a/b"), "local_config.snapshot_name: …"),
    ):
        client.refused(rule, method, request, "INVALID_ARGUMENT", text)
    # June's type is field 9, a varint; in autumn that is local_config.
    june = client.request("CheckpointRequest", "nobody", "slot").SerializeToString() + b"\x48\x01"
    client.refused("wrong wire type", "Checkpoint", june, "INVALID_ARGUMENT", "local_config: field 9 has wire type 0…")
    ids = {"atespace": "space", "actor_name": "nobody", "actor_uid": "u"}
    upload = client.pb.UploadPausedCheckpointRequest(
        **ids, local_snapshot_name="one", destination_snapshot_uri="file://bucket/up", desired_scope=2
    )
    client.refused("no such snapshot", "UploadPausedCheckpoint", upload, "NOT_FOUND", reason="SNAPSHOT_NOT_FOUND")
    upload.destination_snapshot_uri = "up"
    client.refused("a bad destination", "UploadPausedCheckpoint", upload, "INVALID_ARGUMENT")
    prune = client.pb.PruneLocalCheckpointsRequest(**ids)
    client.good("PruneLocalCheckpoints of nobody", "PruneLocalCheckpoints", prune)
    golden = client.local(client.request("RestoreRequest", "nobody", "slot", scope=3), "one")
    golden.base_config.snapshot_uri = "file://bucket/golden"
    client.refused("DATA_ON_GOLDEN", "Restore", golden, "FAILED_PRECONDITION", reason="SCOPE_UNSUPPORTED")
    client.equal("nothing came of it", client.actors(), [])
    refusals(client, "codes")
    second = client.request("RunRequest", "second", "codes-1")
    client.good("a slot holds several in autumn", "Run", second)
    client.tidy("second", "codes")
    unready(client, "sleeper")


def health(client, target):
    """grpc.health.v1 while the host serves, and as it drains; ends the host."""
    asked, word = client.health_pb.HealthCheckRequest, client.health_pb.HealthCheckResponse
    for service in ("", "atelet.AteomHerder", "substrate.host.v1.Host", "grpc.health.v1.Health"):
        answer = client.health.Check(asked(service=service), timeout=10)
        client.equal(f"Check of {service!r}", answer.status, word.SERVING)
    try:
        client.check("Check of a service that is none", False, client.health.Check(asked(service="no.Such"), timeout=10))
    except grpc.RpcError as error:
        client.equal("Check of a service that is none", error.code(), grpc.StatusCode.NOT_FOUND)
    unknown = client.health.Watch(asked(service="no.Such"), timeout=20)
    client.equal("Watch of a service that is none", next(unknown).status, word.SERVICE_UNKNOWN)
    unknown.cancel()
    watches = [client.health.Watch(asked(service=service), timeout=20) for service in ("", "atelet.AteomHerder")]
    client.equal("Watch begins with now", [next(one).status for one in watches], [word.SERVING] * 2)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(target.removeprefix("unix:"))
        pid = struct.unpack("iII", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    os.kill(pid, signal.SIGTERM)
    client.equal("Watch tells of the drain", [next(one).status for one in watches], [word.NOT_SERVING] * 2)
    for one in watches:
        try:
            client.check("Watch ends with the host", False, next(one, None))
        except grpc.RpcError as error:
            client.equal("Watch ends with the host", error.code(), grpc.StatusCode.UNAVAILABLE)


def fields(message, seen=()):
    """Every field beneath a message, as the wire and a reader know it."""
    found = set()
    for field in () if message.full_name in seen else message.fields:
        found.add((message.name, field.number, field.name, field.type, field.is_repeated))
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            found |= fields(field.message_type, (*seen, message.full_name))
    return found


def reflection(client, is_served):
    """What a client without .proto files is told is what one made from the contract's table knows."""
    ask = reflection_pb2.ServerReflectionRequest
    for version in ("v1", "v1alpha"):
        talk = client.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            ask.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        if not is_served:
            try:
                list(talk(iter([ask(list_services="")]), timeout=10))
                client.check(f"{version}: not served", False)
            except grpc.RpcError as error:
                client.equal(f"{version}: not served", error.code().name, "UNIMPLEMENTED")
            continue
        many = [ask(host="h", file_containing_symbol="atelet.AteomHerder.Run") for _ in range(300)]
        many += [ask(file_containing_symbol="atelet.Nothing"), ask(file_by_filename="../etc/passwd"), ask(list_services="*")]
        answers = list(talk(iter(many), timeout=30))
        client.equal(f"{version}: an answer to each question", len(answers), len(many))
        client.equal("in turn, with its question", [one.original_request for one in answers], many)
        client.equal("no such symbol, no such file", [one.error_response.error_code for one in answers[-3:-1]], [5, 5])
        client.equal(
            "the services",
            [one.name for one in answers[-1].list_services_response.service],
            ["atelet.AteomHerder", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
             "grpc.reflection.v1alpha.ServerReflection", "substrate.host.v1.Host"],
        )
        try:
            list(talk(iter([ask(list_services="*"), ask()]), timeout=10))
            client.check("a question that asks nothing", False)
        except grpc.RpcError as error:
            client.equal("a question that asks nothing", error.code().name, "INVALID_ARGUMENT")
    if not is_served:
        return
    pool = descriptor_pool.DescriptorPool(reflected.ProtoReflectionDescriptorDatabase(client.channel))
    methods = [one.name for one in pool.FindServiceByName("atelet.AteomHerder").methods]
    later = ["Terminate", "UploadPausedCheckpoint", "PruneLocalCheckpoints"] if client.dialect == "autumn" else []
    client.equal("the methods", methods, ["Run", "Checkpoint", "Restore"] + later)
    for method in methods:
        told = pool.FindMessageTypeByName(f"atelet.{method}Request")
        known = getattr(client.pb, f"{method}Request").DESCRIPTOR
        client.equal(f"the fields of {told.name}", sorted(fields(told) ^ fields(known)), [])
    own = {one.name for one in pool.FindServiceByName("substrate.host.v1.Host").methods}
    client.check("the host's own service", {"List", "Watch", "Exec"} <= own, own)
    client.check("health", pool.FindServiceByName("grpc.health.v1.Health").methods_by_name["Watch"].server_streaming)


def main():
    scenario, dialect, target, image, asset = sys.argv[1:]
    client = wire.Client(dialect, target, image, pathlib.Path(asset))
    try:
        if scenario == "tour":
            tour(client, dialect + ("-unix" if target.startswith("unix:") else "-tcp"))
        elif scenario == "external":
            external(client, dialect + "-out")
        elif scenario == "codes":
            (june_codes if dialect == "june" else autumn_codes)(client)
        elif scenario == "health":
            health(client, target)
        elif scenario in ("reflection", "no-reflection"):
            reflection(client, scenario == "reflection")
        else:
            sys.exit(__doc__)
    except grpc.RpcError as error:
        client.check(scenario, False, error)
    print(f"{client.failures} failed", flush=True)
    sys.exit(client.failures > 0)


main()
