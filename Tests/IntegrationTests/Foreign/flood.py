#!/usr/bin/env python3
"""usage: flood.py UNIX-SOCKET HOST:PORT

Hostile peers of a host that runs: HTTP/2 written by hand, because no honest client can be made to send it. Prints `ok`
or `FAIL` for each claim; exits 0 when none failed. After each flood another client is served (threat T83).
"""
import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
CHECK = "/grpc.health.v1.Health/Check"
failures = 0


def check(name, good, detail=""):
    global failures
    failures += not good
    print(("ok    " if good else "FAIL  ") + name + ("" if good else f": {detail}"), flush=True)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header of HPACK, never indexed, not compressed."""

    def text(one):
        return (bytes([len(one)]) if len(one) < 127 else b"\x7f" + varint(len(one) - 127)) + one

    return b"\x10" + text(name.encode()) + text(value if isinstance(value, bytes) else value.encode())


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def block(path, extra=()):
    fixed = ((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"))
    return b"".join(literal(*pair) for pair in (*fixed, ("te", "trailers"), ("content-type", "application/grpc"), *extra))


class Connection:
    """One connection and the frames that came on it."""

    def __init__(self, target, source=None, greet=True):
        if isinstance(target, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(target)
        else:
            self.socket = socket.create_connection(target, source_address=source)
        self.socket.settimeout(20)
        self.rest, self.frames, self.is_closed = b"", [], False
        if greet:
            self.send(PREFACE + frame(SETTINGS, 0, 0))

    def send(self, data, seconds=20):
        """Whether the host took all of it in time: it may be gone, or have stopped reading."""
        self.socket.settimeout(seconds)
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def until(self, wanted, seconds=15):
        """Reads until a frame fits; None when the connection ends or the time does."""
        deadline = time.monotonic() + seconds
        while True:
            while len(self.rest) >= 9:
                length = int.from_bytes(self.rest[:3], "big")
                if len(self.rest) < 9 + length:
                    break
                kind, flags = self.rest[3:5]
                one = (kind, flags, int.from_bytes(self.rest[5:9], "big"), self.rest[9 : 9 + length])
                self.rest = self.rest[9 + length :]
                self.frames.append(one)
                if wanted(*one):
                    return one
            left = deadline - time.monotonic()
            if (left <= 0 and seconds > 0) or self.is_closed:
                return None
            self.socket.settimeout(max(left, 0))
            try:
                more = self.socket.recv(65536)
            except (TimeoutError, BlockingIOError):
                return None
            except OSError:
                more = b""
            self.is_closed = not more
            self.rest += more

    def is_served(self):
        """Whether the host answers with its SETTINGS, not with a refusal."""
        first = self.until(lambda kind, *_: kind in (SETTINGS, GOAWAY))
        if first is None:
            return False
        # A refusal is empty SETTINGS with GOAWAY right behind.
        return bool(first[3]) or self.until(lambda kind, *_: kind == GOAWAY, 0.2) is None

    def refusal(self):
        """The error number and the words of its GOAWAY."""
        last = next((one for one in self.frames if one[0] == GOAWAY), None) or self.until(lambda kind, *_: kind == GOAWAY)
        return (None, "") if last is None else (int.from_bytes(last[3][4:8], "big"), last[3][8:].decode(errors="replace"))

    def ends(self, seconds=15):
        """Whether the host closes it."""
        self.until(lambda *_: False, seconds)
        return self.is_closed

    def close(self):
        self.socket.close()


class Host:
    def __init__(self, path, address):
        self.path = path
        name, port = address.rsplit(":", 1)
        self.tcp = (name, int(port))
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.connect(path)
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid = struct.unpack("iII", credentials)[0]
        # Another process, so that it has places of its own.
        script = (
            "import sys, grpc\n"
            "for line in sys.stdin:\n"
            "  with grpc.insecure_channel('unix:' + sys.argv[1]) as channel:\n"
            f"    try: print(channel.unary_unary('{CHECK}')(b'', timeout=20).hex(), flush=True)\n"
            "    except grpc.RpcError as error: print(error.code(), error.details(), flush=True)\n"
        )
        self.other = subprocess.Popen(
            [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def serves_others(self, during):
        self.other.stdin.write("\n")
        self.other.stdin.flush()
        answer = self.other.stdout.readline().strip()
        check(f"another client is served during {during}", answer == "0801", answer)

    def memory(self):
        """Resident, in MiB."""
        pages = pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE") >> 20

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def close(self):
        self.other.stdin.close()
        self.other.wait()


def one_peer(host):
    before = host.descriptors()
    all = [Connection(host.path) for _ in range(300)]
    refused = [one for one in all if not one.is_served()]
    check("one process has 64 connections", len(all) - len(refused) == 64, len(all) - len(refused))
    said = {one.refusal() for one in refused}
    check("the others are told why", said == {(11, "this peer has its 64 connections: use one of them")}, said)
    check("and closed", all[-1].ends())
    host.serves_others("a flood of one process")
    for one in all:
        one.close()
    deadline = time.monotonic() + 15
    while host.descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    check("their descriptors are given back", host.descriptors() <= before, (before, host.descriptors()))
    again = Connection(host.path)
    check("and their places", again.is_served())
    again.close()


def many_peers(host):
    all = [Connection(host.tcp, source=(f"127.0.0.{2 + index // 60}", 0)) for index in range(300)]
    served = [one for one in all if one.is_served()]
    check("the network has 192 connections", len(served) == 192, len(served))
    said = {one.refusal() for one in all if one not in served}
    check("the others are told why", said == {(11, "this host has its 192 network connections: try again later")}, said)
    served[0].send(frame(HEADERS, END_HEADERS, 1, block(CHECK)) + frame(DATA, END_STREAM, 1, bytes(5)))
    answer = served[0].until(lambda kind, *_: kind == DATA)
    check("who has a place is served", answer and answer[3].endswith(b"\x08\x01"), answer)
    host.serves_others("a flood of many addresses")
    for one in all:
        one.close()


def slow_begin(host):
    """Connections that never come to the point; looked at by slow_end, ten seconds later."""
    starts = [b"", PREFACE[:10], PREFACE, PREFACE + frame(SETTINGS, 0, 0)[:5]]
    return time.monotonic(), [(words, Connection(host.path, greet=False)) for words in starts * 8]


def slow_end(host, begun, slow):
    for words, one in slow:
        one.send(words)
    closed = [one.ends(25) for _, one in slow]
    check("slow handshakes are closed", all(closed), closed)
    check("not before their time", time.monotonic() - begun > 5, time.monotonic() - begun)
    host.serves_others("slow handshakes")
    for _, one in slow:
        one.close()


def streams(host):
    one = Connection(host.path)
    settings = one.until(lambda kind, flags, *_: kind == SETTINGS and not flags & 1)
    values = dict(struct.unpack_from(">HI", settings[3], at) for at in range(0, len(settings[3]), 6))
    check("100 streams are offered", values.get(3) == 100, values)
    one.send(frame(SETTINGS, 1, 0))
    # Acknowledged, so the host may hold us to it.
    one.send(b"".join(frame(HEADERS, END_HEADERS, 2 * index + 1, block(CHECK)) for index in range(150)))
    ended = one.until(lambda kind, *_: kind in (RST_STREAM, GOAWAY))
    check("more than that are refused", ended is not None, [one[:3] for one in one.frames])
    one.close()
    # Who does not acknowledge the number is held to it too.
    one = Connection(host.path)
    one.send(b"".join(frame(HEADERS, END_HEADERS, 2 * index + 1, block(CHECK)) for index in range(150)))
    for _ in range(50):
        one.until(lambda kind, flags, *_: kind == HEADERS and flags & END_STREAM)
    refused = [one[3] for one in one.frames if one[0] == HEADERS]
    check("so are those that were not agreed on", len(refused) == 50, len(refused))
    check("with words and the trailer", b"100 calls" in refused[0] and b"x-server-elapsed-us" in refused[0], refused[:1])
    # Which hundred have a place is the host's to say: its threads take calls as they come to them.
    turned_away = {one[2] for one in one.frames if one[0] == HEADERS}
    places = [stream for stream in range(1, 301, 2) if stream not in turned_away]
    one.send(b"".join(frame(DATA, END_STREAM, stream, bytes(5)) for stream in places))
    answers = [one.until(lambda kind, *_: kind == DATA) for _ in places]
    served = {answer[2] for answer in answers if answer and answer[3].endswith(b"\x08\x01")}
    check("and the other hundred are served", len(places) == 100 and served == set(places), (len(places), served))
    host.serves_others("too many streams")
    one.close()


def resets(host):
    before, one = host.memory(), Connection(host.path)
    sent = 0
    for batch in range(400):
        if one.is_closed or not one.send(b"", 1):
            break
        pairs = range(batch * 100, batch * 100 + 100)
        one.send(b"".join(
            frame(HEADERS, END_HEADERS, 2 * index + 1, block(CHECK)) + frame(RST_STREAM, 0, 2 * index + 1, b"\0\0\0\x08")
            for index in pairs
        ))
        sent += 100
        one.until(lambda *_: False, 0.001)
    check("rapid resets end the connection", one.ends(), f"{sent} sent")
    host.serves_others("rapid resets")
    check("and cost no memory", host.memory() - before < 64, (before, host.memory()))
    one.close()


def pour(one, limit):
    """Sends a message that says it is 1 GiB long, as far as the host's windows allow; answers how much went."""
    one.until(lambda kind, *_: kind == SETTINGS)
    one.send(frame(SETTINGS, 1, 0) + frame(HEADERS, END_HEADERS, 1, block(CHECK)))
    sent, part = 0, b"\0" + struct.pack(">I", 1 << 30)
    while sent < limit:
        settings = [one[3] for one in one.frames if one[0] == SETTINGS and not one[1] & 1]
        starts = [value for text in settings for key, value in struct.iter_unpack(">HI", text) if key == 4]
        grants = [(stream, int.from_bytes(payload, "big")) for kind, _, stream, payload in one.frames if kind == WINDOW_UPDATE]
        room = min(start + sum(much for stream, much in grants if stream == number) - sent
                   for number, start in ((0, 65535), (1, (starts or [65535])[-1])))
        if room > 0:
            part = part or bytes(min(room, 16384))
            one.send(frame(DATA, 0, 1, part))
            sent, part = sent + len(part), b""
            one.until(lambda *_: False, 0)
        elif not one.until(lambda kind, *_: kind in (WINDOW_UPDATE, RST_STREAM, GOAWAY, HEADERS), 0.5):
            return sent
        if one.is_closed or any(kind in (RST_STREAM, GOAWAY, HEADERS) for kind, *_ in one.frames):
            return sent
    return sent


def unfinished(host):
    """Messages without an end, on several connections."""
    before, all = host.memory(), [Connection(host.path) for _ in range(8)]
    sent = [pour(one, 64 << 20) >> 20 for one in all]
    grown = host.memory() - before
    check("messages without an end are not all kept", grown < 128, f"{sent} MiB sent, {grown} MiB kept")
    host.serves_others("messages without an end")
    for one in all:
        one.close()


def metadata(host):
    one = Connection(host.path)
    large = block(CHECK, [("x-large", b"a" * 60000)])
    parts = [large[at : at + 16000] for at in range(0, len(large), 16000)]
    one.send(frame(HEADERS, END_STREAM, 1, parts[0]))
    one.send(b"".join(frame(CONTINUATION, END_HEADERS if last else 0, 1, part)
                      for part, last in zip(parts[1:], [False] * (len(parts) - 2) + [True])))
    ended = one.until(lambda kind, _, stream, payload: kind in (RST_STREAM, GOAWAY) or b"grpc-status" in payload)
    check("headers that are too large are refused", ended and b"grpc-status\x010" not in ended[3], one.frames)
    one.close()
    endless = Connection(host.path)
    endless.send(frame(HEADERS, END_STREAM, 1, block(CHECK)))
    before = host.memory()
    for _ in range(3000):
        if not endless.send(frame(CONTINUATION, 0, 1, literal("x-more", b"b" * 4000)), 1):
            break
    check("CONTINUATION without an end costs no memory", host.memory() - before < 64, (before, host.memory()))
    host.serves_others("CONTINUATION without an end")
    endless.close()


def pings(host):
    one = Connection(host.path)
    one.is_served()
    for _ in range(200):
        if not one.send(frame(PING, 0, 0, bytes(8)) * 20, 1):
            break
    code, words = one.refusal()
    check("a flood of PING is told to be calm", code == 11, (code, words))
    check("and ended", one.ends())
    host.serves_others("a flood of PING")
    one.close()
    one = Connection(host.path)
    for _ in range(1000):
        # Its answers are not read, so it may stop reading.
        if not one.send(frame(SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff") * 20, 1):
            break
    host.serves_others("a flood of SETTINGS")
    one.close()


def deadlines(host):
    """What only the host can say when a client does not count for itself."""
    for name, extra, seconds in (("that passed", "1n", 5), ("that passes while the request is under way", "200m", 5)):
        one = Connection(host.path)
        one.send(frame(HEADERS, END_HEADERS, 1, block(CHECK, [("grpc-timeout", extra)])))
        trailers = one.until(lambda kind, flags, *_: kind == HEADERS and flags & END_STREAM, seconds)
        text = trailers[3] if trailers else b""
        names = (b"grpc-status", b"x-server-elapsed-us", b"grpc-status-details-bin")
        check(f"a deadline {name} is answered with the trailers", all(one in text for one in names), (text, one.frames))
        one.close()


def headers(host):
    """Which calls the host answers itself, with its trailers, and which its core ends before there is a call."""
    plain = dict(((":method", "POST"), (":scheme", "http"), (":path", CHECK), (":authority", "localhost"),
                  ("te", "trailers"), ("content-type", "application/grpc")))
    for name, change, is_ours in (
        ("plain", {}, True), ("an odd path", {":path": "x"}, True), ("an unknown encoding", {"grpc-encoding": "zz"}, True),
        ("another content-type", {"content-type": "text/plain"}, True), ("a timeout that is none", {"grpc-timeout": "z"}, True),
        ("gzip", {"grpc-encoding": "gzip"}, False), ("GET", {":method": "GET"}, False), ("no te", {"te": None}, False),
        ("no path", {":path": None}, False), ("too large", {"x-large": "a" * 60000}, False),
        ("too large, SETTINGS not acknowledged", {"x-large": "a" * 60000}, True),
    ):
        one = Connection(host.path)
        one.until(lambda kind, *_: kind == SETTINGS)
        if "not acknowledged" not in name:
            one.send(frame(SETTINGS, 1, 0))
        pairs = [literal(key, value) for key, value in (plain | change).items() if value is not None]
        one.send(frame(HEADERS, 0, 1, b"".join(pairs[:6])) + b"".join(
            frame(CONTINUATION, 0, 1, part[at : at + 16000]) for part in pairs[6:] for at in range(0, len(part), 16000)
        ) + frame(CONTINUATION, END_HEADERS, 1) + frame(DATA, END_STREAM, 1, bytes(5)))
        end = one.until(lambda kind, flags, *_: kind in (RST_STREAM, GOAWAY) or kind == HEADERS and flags & END_STREAM, 5)
        fails = name not in ("plain", "an unknown encoding", "another content-type", "a timeout that is none")
        check(f"{name}: {'refused' if fails else 'served'}", end and (b"grpc-status\x010" not in end[3]) == fails, end)
        check(f"{name}: by {'us' if is_ours else 'the core'}", end and (b"x-server-elapsed-us" in end[3]) == is_ours, end)
        one.close()


def main():
    host = Host(*sys.argv[1:])
    try:
        begun, slow = slow_begin(host)
        for flood in (streams, resets, unfinished, metadata, pings, headers, deadlines):
            flood(host)
        slow_end(host, begun, slow)
        one_peer(host)
        many_peers(host)
        deadline = time.monotonic() + 10
        while host.descriptors() > 200 and time.monotonic() < deadline:
            time.sleep(0.02)
        host.serves_others("nothing more")
    finally:
        host.close()
    print(f"{failures} failed", flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
