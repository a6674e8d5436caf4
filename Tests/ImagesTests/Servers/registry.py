"""A real docker-registry on the loopback, behind a door that a test can spoil.

usage: registry.py DIRECTORY [password]
Says `PORT` on its first line, and ends with its standard input. DIRECTORY/mode says what the door does to what the
registry sends: nothing, `cut N` closes a connection behind N bytes, `flip N` changes byte N, `shut` closes each at once.
DIRECTORY/asked has one line for each request's first line.
"""

import os
import socket
import subprocess
import sys
import threading
import time

directory = sys.argv[1]
auth = ""
if len(sys.argv) > 2:
    import crypt
    import warnings

    warnings.simplefilter("ignore")
    with open(f"{directory}/htpasswd", "w") as file:
        file.write("tester:" + crypt.crypt(sys.argv[2], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)) + "\n")
    auth = f"auth: {{htpasswd: {{realm: test, path: {directory}/htpasswd}}}}\n"


def free():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start():
    """The registry, listening; another program may take the port between, so that it is tried again."""
    for _ in range(5):
        port = free()
        with open(f"{directory}/config.yml", "w") as file:
            file.write(
                "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                f"storage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
                f"http: {{addr: '127.0.0.1:{port}'}}\n{auth}"
            )
        registry = subprocess.Popen(
            ["docker-registry", "serve", f"{directory}/config.yml"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(f"{directory}/log", "w"),
        )
        while registry.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return registry, port
            except OSError:
                time.sleep(0.01)
    sys.exit("docker-registry does not start")


registry, inner = start()
door = socket.socket()
door.bind(("127.0.0.1", 0))
door.listen(64)


def mode():
    try:
        with open(f"{directory}/mode") as file:
            return (file.read().split() + ["", ""])[:2]
    except FileNotFoundError:
        return ["", ""]


def up(client, server):
    try:
        while data := client.recv(65536):
            for line in data.split(b"\r\n"):
                if line.endswith(b" HTTP/1.1"):
                    with open(f"{directory}/asked", "ab") as file:
                        file.write(line + b"\n")
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def down(client, server):
    kind, number = mode()
    sent = 0
    try:
        while data := server.recv(65536):
            if kind == "cut" and sent + len(data) >= int(number):
                client.sendall(data[: int(number) - sent])
                break
            if kind == "flip" and sent <= int(number) < sent + len(data):
                place = int(number) - sent
                data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            sent += len(data)
            client.sendall(data)
    except OSError:
        pass
    for end in (client, server):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def accept():
    while True:
        client, _ = door.accept()
        if mode()[0] == "shut":
            client.close()
            continue
        server = socket.create_connection(("127.0.0.1", inner))
        threading.Thread(target=up, args=(client, server), daemon=True).start()
        threading.Thread(target=down, args=(client, server), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
print(door.getsockname()[1], flush=True)
try:
    sys.stdin.read()
finally:
    registry.kill()
    registry.wait()
