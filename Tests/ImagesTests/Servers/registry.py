"""A real docker-registry on the loopback, behind a door that a test can spoil.

usage: registry.py DIRECTORY [password]
Says `PORT` on its first line, and ends with its standard input. DIRECTORY/mode says what the door does: see door.py.
"""

import os
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../../Servers")
from door import Door

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
print(Door(inner, directory).port, flush=True)
try:
    sys.stdin.read()
finally:
    registry.kill()
    registry.wait()
