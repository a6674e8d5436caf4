"""An egress gateway and every target behind it, on the loopback; ends with its standard input.

Usage: gateway.py LOG [CERTIFICATE KEY AUTHORITY]

Says its port and that of a DNS server on the first line. Every CONNECT is one line of LOG: what was asked, its Host, and whose certificate came
with it. What is behind it depends on the port that was asked for; MEANING below says how.
"""

import socket
import ssl
import sys
import threading

MEANING = {
    403: lambda peer: peer.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnever"),
    408: lambda peer: peer.recv(1),
    500: lambda peer: peer.sendall(b"nonsense\r\n\r\n"),
    502: lambda peer: None,
    599: lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000),
}
LET_OUT = b"HTTP/1.1 200 Connection established\r\nContent-Length: 7\r\n\r\n"


def read_all(peer):
    data = b""
    while True:
        some = peer.recv(65536)
        if not some:
            return data
        data += some


def target(peer, port, asked):
    if port == 9:  # speaks first
        return peer.sendall(LET_OUT + b"hello from " + asked.encode())
    peer.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + LET_OUT)
    if port == 7:  # says how much it heard, when the other half has ended
        data = read_all(peer)
        return peer.sendall(b"%d bytes" % len(data) + data[-16:])
    if port == 19:  # as many bytes as it is told
        return peer.sendall(b"x" * int(peer.recv(64)))
    if port == 1000:  # stays open
        while peer.recv(65536):
            pass
        return None
    request = b""
    while b"\r\n\r\n" not in request:
        some = peer.recv(65536)
        if not some:
            return None
        request += some
    body = b"from " + asked.encode() + b"\n"
    return peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


def serve(peer, context, log):
    try:
        if context:
            peer = context.wrap_socket(peer, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            some = peer.recv(1)
            if not some:
                return
            head += some
        lines = head.decode().split("\r\n")
        verb, asked, version = lines[0].split(" ")
        host = next((line[6:] for line in lines if line.startswith("Host: ")), "-")
        name = "-"
        if context:
            name = dict(part[0] for part in peer.getpeercert()["subject"])["commonName"]
        with LOCK:
            log.write(f"{verb} {asked} {version} {host} {name}\n")
            log.flush()
        port = int(asked.rsplit(":", 1)[1])
        if port in MEANING:
            MEANING[port](peer)
        else:
            target(peer, port, asked)
    except (OSError, ValueError):
        pass
    finally:
        try:
            if context and isinstance(peer, ssl.SSLSocket):
                peer.unwrap()
        except (OSError, ValueError):
            pass
        peer.close()


def answer(query):
    """A name's address is 203.0.113.N, N the length of its first label; the name "late" has no answer, "odd" another's."""
    end = query.index(b"\0", 12)
    if query[13:17] == b"late":
        return None
    number = bytes([query[0] ^ (1 if query[13:16] == b"odd" else 0), query[1]])
    data = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + bytes([203, 0, 113, query[12]])
    return number + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end + 5] + data


def resolve(log):
    """UDP and TCP on one port, which is the second word of the first line."""
    while True:
        stream = socket.create_server(("127.0.0.1", 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.getsockname())
            break
        except OSError:
            stream.close()

    def hear():
        while True:
            query, client = datagrams.recvfrom(4096)
            with LOCK:
                log.write("NAME\n")
                log.flush()
            said = answer(query)
            if said:
                datagrams.sendto(said, client)

    def accept():
        while True:
            peer, _ = stream.accept()
            query = peer.recv(4096)
            said = answer(query[2:])
            peer.sendall(len(said).to_bytes(2, "big") + said)
            peer.close()

    threading.Thread(target=hear, daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return stream.getsockname()[1]


LOCK = threading.Lock()


def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        context.load_verify_locations(sys.argv[4])
        context.verify_mode = ssl.CERT_REQUIRED
    log = open(sys.argv[1], "a", encoding="ascii")
    threading.stack_size(256 * 1024)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], resolve(log), flush=True)

    def accept():
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer, context, log), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


main()
