#!/usr/bin/env python3
"""Writes golden.txt: every message of both dialects and of our own service in the bytes of a foreign implementation.

The .proto it compiles for a dialect is written from the field table below (contract 1.2), never from our own .proto
files; that of our own service has no other source than our host.proto.
A line is: dialect.Message[#variant] TAB hex TAB flattened fields. Needs grpcio-tools.
"""
import copy
import importlib
import pathlib
import subprocess
import sys
import tempfile

ENUMS = {
    "CheckpointType": "UNSPECIFIED LOCAL EXTERNAL",
    "SnapshotScope": "UNSPECIFIED FULL DATA DATA_ON_GOLDEN",
    "SnapshotSharing": "UNSPECIFIED PRIVATE SHARED",
    "VolumeType": "UNSPECIFIED DURABLE_DIR",
    "ActorMetadataField": "UNSPECIFIED NAME ATESPACE UID",
}
# name:number[:type], `*` repeated, `|` an arm of the message's oneof; the type is string when left out.
JUNE_IDS = "target_ateom_uid:1 actor_template_namespace:3 actor_template_name:4 actor_id:5 spec:7:WorkloadSpec "
JUNE_SNAPSHOT = JUNE_IDS + (
    "type:9:CheckpointType |local_config:10:LocalCheckpointConfiguration "
    "|external_config:11:ExternalCheckpointConfiguration scope:12:SnapshotScope"
)
IDS = (
    "target_ateom_uid:1 atespace:2 actor_name:3 actor_uid:4 actor_template_atespace:5 actor_template_name:6 "
    "spec:7:WorkloadSpec "
)
ASSETS = {
    "ArchAssets": "files:1:map<string,AssetFile>",
    "AssetFile": "url:1 sha256:2",
    "EnvEntry": "name:1 value:2",
    "VolumeMount": "name:1 mount_path:2",
    "HTTPGetAction": "path:1 port:2:int32",
    "DurableDirVolume": "",
}
JUNE = ASSETS | {
    "RunRequest": JUNE_IDS + "sandbox_assets:9:SandboxAssets",
    "RunResponse": "",
    "CheckpointRequest": JUNE_SNAPSHOT,
    "CheckpointResponse": "",
    "RestoreRequest": JUNE_SNAPSHOT,
    "RestoreResponse": "",
    "WorkloadSpec": "*containers:1:Container pause_image:2 *volumes:3:Volume",
    "Volume": "name:1 type:2:VolumeType durable_dir:3:DurableDirVolume",
    "Container": "name:1 image:2 *command:3 *env:4:EnvEntry readyz:5:Readyz *volume_mounts:6:VolumeMount",
    "Readyz": "http_get:1:HTTPGetAction",
    "LocalCheckpointConfiguration": "snapshot_prefix:1",
    "ExternalCheckpointConfiguration": "snapshot_uri_prefix:1",
    "SandboxAssets": "sandbox_class:1 assets:2:map<string,ArchAssets>",
}
AUTUMN = ASSETS | {
    "RunRequest": IDS
    + "sandbox_assets:8:SandboxAssets egress_gateway:9:EgressGateway cpu_milli:10:int64 memory_bytes:11:int64",
    "RunResponse": "",
    "CheckpointRequest": IDS
    + "type:8:CheckpointType |local_config:9:LocalCheckpointConfiguration "
    "|external_config:10:ExternalCheckpointConfiguration scope:11:SnapshotScope",
    "CheckpointResponse": "",
    "RestoreRequest": IDS
    + "type:8:CheckpointType |local_config:9:LocalCheckpointConfiguration "
    "|external_config:10:ExternalRestoreConfiguration scope:11:SnapshotScope "
    "base_config:12:ExternalRestoreConfiguration egress_gateway:13:EgressGateway cpu_milli:14:int64 "
    "memory_bytes:15:int64 sandbox_assets:16:SandboxAssets",
    "RestoreResponse": "",
    "TerminateRequest": IDS,
    "TerminateResponse": "",
    "UploadPausedCheckpointRequest": "atespace:1 actor_name:2 actor_uid:3 actor_template_atespace:4 "
    "actor_template_name:5 local_snapshot_name:6 destination_snapshot_uri:7 desired_scope:8:SnapshotScope "
    "keep_local:9:bool",
    "UploadPausedCheckpointResponse": "",
    "PruneLocalCheckpointsRequest": "atespace:1 actor_name:2 actor_uid:3",
    "PruneLocalCheckpointsResponse": "",
    "EgressGateway": "address:1",
    "WorkloadSpec": "*containers:1:Container *volumes:2:Volume",
    "Volume": "name:1 |durable_dir:2:DurableDirVolume |external:3:ExternalVolumeSource "
    "|system_info:4:SystemInfoVolume |image:5:ImageVolumeSource",
    "ExternalVolumeSource": "storage_volume_id:1 volume_type:2 volume_context:3:map<string,string>",
    "ImageVolumeSource": "reference:1",
    "SystemInfoVolume": "*data_sources:1:SystemInfoDataSource",
    "SystemInfoDataSource": "|actor_metadata:1:ActorMetadataDataSource |trust_bundle:2:TrustBundleDataSource",
    "ActorMetadataDataSource": "*items:1:ActorMetadataItem",
    "ActorMetadataItem": "field:1:ActorMetadataField path:2",
    "TrustBundleDataSource": "path:1 *names:3",
    "Container": "name:1 image:2 *command:3 *env:4:EnvEntry wakeup_probe:5:WakeupProbe "
    "*volume_mounts:6:VolumeMount *args:7 security_context:8:SecurityContext resources:9:ResourceLimits",
    "SecurityContext": "capabilities:1:Capabilities",
    "Capabilities": "*add:1 *drop:2",
    "ResourceLimits": "memory_bytes:1:int64 cpu_millis:2:int64",
    "WakeupProbe": "http_get:1:HTTPGetAction timeout_seconds:2:int32",
    "LocalCheckpointConfiguration": "snapshot_name:1",
    "ExternalCheckpointConfiguration": "snapshot_uri:1",
    "ExternalRestoreConfiguration": "snapshot_uri:1 sharing:2:SnapshotSharing",
    "SandboxAssets": "sandbox_class:1 assets:2:map<string,ArchAssets> pause_image:3",
}
EARLY = copy.deepcopy(AUTUMN) | {
    "RestoreRequest": IDS
    + "type:8:CheckpointType |local_config:9:LocalCheckpointConfiguration "
    "|external_config:10:ExternalCheckpointConfiguration scope:11:SnapshotScope golden_snapshot_uri:12",
    "WorkloadSpec": "*containers:1:Container *volumes:3:Volume",
    "TrustBundleDataSource": "path:1 name:2",
    "Container": "name:1 image:2 *command:3 *env:4:EnvEntry readyz:5:Readyz *volume_mounts:6:VolumeMount",
    "Readyz": "http_get:1:HTTPGetAction timeout_seconds:2:int32",
}
# What our own .proto calls a field of the earlier autumn.
RENAMED = {
    "EARLY.WorkloadSpec.volumes": "earlier_volumes",
    "EARLY.RestoreRequest.golden_snapshot_uri": "base_config",
    "EARLY.Container.readyz": "wakeup_probe",
}
TEXTS = {
    "name": "worker", "Volume.name": "data", "VolumeMount.name": "data", "EnvEntry.name": "GREETING",
    "EgressGateway.address": "gateway.example:8443",
    "EnvEntry.value": "grüß dich", "mount_path": "/srv/data", "path": "/readyz", "sha256": "ab" * 32,
    "snapshot_uri": "gs://bucket/a/b/", "snapshot_uri_prefix": "gs://bucket/a/b/",
    "golden_snapshot_uri": "s3://bucket/golden", "destination_snapshot_uri": "gs://bucket/up",
    "snapshot_prefix": "id1-2026-06-30T17:22:15+02:00-ABCDEF", "actor_template_name": "probe.v1",
    "actor_uid": "0b0c8b52-9f5a-4f0e-8f4c-0c6c1f0e2d11", "target_ateom_uid": "6f2d7a1e-0000-4000-8000-1234567890ab",
    "url": "https://assets.example/one", "image": "registry.example/app@sha256:" + "0" * 64,
}
NUMBERS = {"port": 8080, "timeout_seconds": 12, "cpu_milli": 500, "cpu_millis": 250, "memory_bytes": 1 << 33}


def proto(dialect, table):
    lines = ['syntax = "proto3";', f"package golden_{dialect.lower()};"]
    for name, values in ENUMS.items():
        prefix = "".join("_" + c if c.isupper() else c.upper() for c in name).lstrip("_")
        body = " ".join(f"{prefix}_{v} = {i};" for i, v in enumerate(values.split()))
        lines.append(f"enum {name} {{ {body} }}")
    for name, spec in table.items():
        lines.append(f"message {name} {{")
        for entry in spec.split():
            kind = (entry.split(":") + ["string"])[2]
            label = "repeated " if entry[0] == "*" else ""
            field = entry.lstrip("*|").split(":")
            text = f"  {label}{kind} {field[0]} = {field[1]};"
            lines.append("|" + text if entry[0] == "|" else text)
        arms = [line[1:] for line in lines if line.startswith("|")]
        lines = [line for line in lines if not line.startswith("|")]
        if arms:
            lines.append("  oneof arm {" + " ".join(arms) + " }")
        lines.append("}")
    return "\n".join(lines)


def fill(message, variant):
    descriptor = message.DESCRIPTOR
    arms = descriptor.oneofs[0].fields if descriptor.oneofs else []
    chosen = arms[variant % len(arms)].name if arms else None
    for field in descriptor.fields:
        if field.containing_oneof is not None and field.name != chosen:
            continue
        repeated = field.is_repeated
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key = {"assets": "amd64", "files": "app-kernel"}.get(field.name, "key")
            value = field.message_type.fields_by_name["value"]
            if value.message_type is not None:
                fill(getattr(message, field.name)[key], variant)
            else:
                getattr(message, field.name)[key] = "value"
        elif field.message_type is not None:
            target = getattr(message, field.name)
            child = target.add() if repeated else target
            child.SetInParent() if not repeated else None
            fill(child, variant if field.message_type.name != "Volume" or descriptor.name == "Volume" else 0)
        elif field.enum_type is not None:
            number = len(field.enum_type.values) - 1
            if field.name == "type" and arms:
                number = 1 + variant % 2
            elif field.name in ("scope", "desired_scope"):
                number = 3 if hasattr(message, "base_config") or hasattr(message, "golden_snapshot_uri") else 2
            setattr(message, field.name, number)
        elif field.type == field.TYPE_STRING:
            text = TEXTS.get(f"{descriptor.name}.{field.name}", TEXTS.get(field.name, field.name.replace("_", "-")))
            if repeated:
                getattr(message, field.name).extend([text, text + "-2"])
            else:
                setattr(message, field.name, text)
        elif field.type == field.TYPE_BOOL:
            setattr(message, field.name, True)
        else:
            setattr(message, field.name, NUMBERS[field.name])


def fill_own(message, variant):
    """Our own service: plain values at first, then the ends of each type and repeated fields of two."""
    for field in message.DESCRIPTOR.fields:
        count = 1 + variant if field.is_repeated else 1
        for index in range(count):
            if field.message_type is not None:
                child = getattr(message, field.name)
                fill_own(child.add() if field.is_repeated else child, variant)
                continue
            number = field.number + index
            value = {
                field.TYPE_STRING: f"{field.name}-{index}" if variant == 0 else f"grüß {field.name} {index} \U0001f980",
                field.TYPE_BYTES: b"a line" if variant == 0 else b"\xff\x00\x80",
                field.TYPE_BOOL: True,
                field.TYPE_DOUBLE: number + 0.5 if variant == 0 else -0.125,
                field.TYPE_INT64: number * 1000 if variant == 0 else -(1 << 63),
                field.TYPE_UINT32: number * 1000 if variant == 0 else (1 << 32) - 1,
            }[field.type]
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)


def flatten(dialect, message, path, out):
    for field, value in message.ListFields():
        name = RENAMED.get(f"{dialect}.{message.DESCRIPTOR.name}.{field.name}", field.name)
        if name == "base_config":
            raw = value.encode() if isinstance(value, str) else value.SerializeToString(deterministic=True)
            out.append(f"{path}{name}={raw.hex()}")
            continue
        repeated = field.is_repeated
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for index, key in enumerate(sorted(value)):
                out.append(f"{path}{name}[{index}].key={key}")
                if isinstance(value[key], str):
                    out.append(f"{path}{name}[{index}].value={value[key]}")
                else:
                    flatten(dialect, value[key], f"{path}{name}[{index}].value.", out)
            continue
        for index, one in enumerate(value if repeated else [value]):
            step = f"{path}{name}[{index}]" if repeated else path + name
            if field.message_type is not None:
                out.append(step)
                flatten(dialect, one, step + ".", out)
            else:
                shown = int(one) if isinstance(one, (int, bool)) else one.hex() if isinstance(one, bytes) else one
                out.append(f"{step}={shown}")


def own(work):
    """The fixtures of our own service."""
    protos = pathlib.Path(__file__).resolve().parents[3] / "Sources/ContractWire/Protos"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"--python_out={work}", "host.proto"]
    subprocess.run(command, check=True)
    module = importlib.import_module("host_pb2")
    for name, descriptor in module.DESCRIPTOR.message_types_by_name.items():
        for variant in range(2 if descriptor.fields else 1):
            message = getattr(module, name)()
            fill_own(message, variant)
            out = []
            flatten("HOST", message, "", out)
            label = f"host.{name}" + (f"#{variant}" if descriptor.fields else "")
            yield "\t".join([label, message.SerializeToString(deterministic=True).hex(), ";".join(out)])


def main():
    here = pathlib.Path(__file__).resolve().parent
    lines = []
    with tempfile.TemporaryDirectory() as work:
        sys.path.insert(0, work)
        for dialect, table in {"JUNE": JUNE, "AUTUMN": AUTUMN, "EARLY": EARLY}.items():
            file = pathlib.Path(work, f"golden_{dialect.lower()}.proto")
            file.write_text(proto(dialect, table))
            command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{work}", f"--python_out={work}", str(file)]
            subprocess.run(command, check=True)
            module = importlib.import_module(f"golden_{dialect.lower()}_pb2")
            for name in table:
                descriptor = module.DESCRIPTOR.message_types_by_name[name]
                variants = len(descriptor.oneofs[0].fields) if descriptor.oneofs else 1
                for variant in range(variants):
                    message = getattr(module, name)()
                    fill(message, variant)
                    out = []
                    flatten(dialect, message, "", out)
                    label = f"{dialect.lower()}.{name}" + (f"#{variant}" if variants > 1 else "")
                    data = message.SerializeToString(deterministic=True)
                    lines.append("\t".join([label, data.hex(), ";".join(out)]))
        lines += own(work)
    (here / "golden.txt").write_text("\n".join(lines) + "\n")
    print(len(lines), "fixtures")


if __name__ == "__main__":
    main()
