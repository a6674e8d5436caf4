"""A door on the loopback before a real server, that a test can spoil by writing DIRECTORY/mode.

    (nothing)  lets everything through
    shut       closes each connection at once
    cut N      closes a connection behind N bytes of what the server sends
    flip N     changes byte N of it
    slow N     lets N bytes a second of it through
    fail N     answers the next N connections with 500 itself
    hang-up N  closes a connection behind N bytes of what the client sends

Each connection keeps the mode that it began with. DIRECTORY/asked has one line for each request's first line.
"""

import os
import socket
import threading
import time


class Door:
    def __init__(self, inner, directory):
        self.inner, self.directory, self.failed, self.lock = inner, directory, {}, threading.Lock()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def mode(self):
        """The mode, its number, and what tells one writing of the file from the next."""
        try:
            with open(f"{self.directory}/mode") as file:
                words = (file.read().split() + ["", ""])[:2]
                return words[0], int(words[1] or 0), os.fstat(file.fileno()).st_mtime_ns
        except FileNotFoundError:
            return "", 0, 0

    def up(self, client, server, kind, number):
        sent = 0
        try:
            while data := client.recv(65536):
                for line in data.split(b"\r\n"):
                    if line.endswith(b" HTTP/1.1"):
                        with open(f"{self.directory}/asked", "ab") as file:
                            file.write(line + b"\n")
                if kind == "hang-up" and sent + len(data) >= number:
                    server.sendall(data[: number - sent])
                    break
                sent += len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            if kind == "hang-up" and sent:
                client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def down(self, client, server, kind, number):
        sent = 0
        try:
            while data := server.recv(65536 if kind != "slow" else max(1, number // 20)):
                if kind == "cut" and sent + len(data) >= number:
                    client.sendall(data[: number - sent])
                    break
                if kind == "flip" and sent <= number < sent + len(data):
                    place = number - sent
                    data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
                if kind == "slow":
                    time.sleep(0.05)
                sent += len(data)
                client.sendall(data)
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fails(self, number, stamp):
        with self.lock:
            self.failed[stamp] = self.failed.get(stamp, 0) + 1
            return self.failed[stamp] <= number

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            kind, number, stamp = self.mode()
            if kind == "shut":
                client.close()
                continue
            if kind == "fail" and self.fails(number, stamp):
                threading.Thread(target=self.refuse, args=(client,), daemon=True).start()
                continue
            server = socket.create_connection(("127.0.0.1", self.inner))
            for work in (self.up, self.down):
                threading.Thread(target=work, args=(client, server, kind, number), daemon=True).start()

    def refuse(self, client):
        try:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.shutdown(socket.SHUT_RDWR)
            client.close()
        except OSError:
            pass
