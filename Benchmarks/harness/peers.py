"""The peers beside which pages are measured, each configured for the best it can do on one core."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.processes import LOAD_CORE, SERVER_CORE, Failure, Server, fetch, free_port  # noqa: E402

NGINX_CONF = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  open_file_cache max=16;
  sendfile on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/pages; }}
}}
"""

ZAQAR_CONF = """
[DEFAULT]
auth_strategy =
[drivers]
transport = wsgi
message_store = redis
management_store = redis
[transport]
max_messages_per_page = 50
[drivers:message_store:redis]
uri = {redis}
[drivers:management_store:redis]
uri = {redis}
"""
ZAQAR_HEADERS = {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "bench"}
ZAQAR_PROCESSES = 2
ZAQAR_POST_MAX = 10  # messages a request


class Nginx:
    """Static files."""

    def __init__(self, bench, folder, pages):
        os.chmod(folder, 0o755)  # the worker is another user when this runs as root
        os.mkdir(f"{folder}/pages")
        for name, content in pages.items():
            pathlib.Path(f"{folder}/pages/{name}.json").write_bytes(content)
        port = free_port()
        pathlib.Path(f"{folder}/nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=port))
        self.server = bench.closing(Server(
            [bench.nginx, "-p", folder, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], SERVER_CORE))
        self.url = f"http://127.0.0.1:{port}"
        fetch(self.page(next(iter(pages))))

    def page(self, name):
        return f"{self.url}/{name}.json"


class Redis:
    def __init__(self, bench, folder):
        self.port = free_port()
        self.server = bench.closing(Server(
            [bench.redis, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir",
             folder], SERVER_CORE, log=f"{folder}/redis.log"))
        self.url = f"redis://127.0.0.1:{self.port}"

    def connect(self):
        """A connection, once it answers."""
        for _ in range(500):
            try:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                connection.sendall(command(b"PING"))
                if connection.recv(64) == b"+PONG\r\n":
                    return connection
            except OSError:
                pass
            time.sleep(0.02)
        raise Failure("redis did not answer")

    def add(self, stream, bodies):
        with self.connect() as connection:
            for body in bodies:
                connection.sendall(command(b"XADD", stream, b"*", b"body", body))
                if not connection.recv(256).startswith(b"$"):
                    raise Failure("XADD failed")


def command(*words):
    """A command in Redis' protocol."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Webdis:
    """An HTTP interface of Redis: a page is XRANGE with COUNT over a stream.

    Debian's webdis writes the nested answer of XRANGE as nulls in JSON, and not at all in Redis' own form. A script in
    Redis makes it flat, id and body in turn, and webdis passes it on in Redis' form, which is the cheaper one.
    """

    FLAT = (b"local flat = {} for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])) do "
            b"flat[#flat + 1] = entry[1] flat[#flat + 1] = entry[2][2] end return flat")

    def __init__(self, bench, folder, redis):
        with redis.connect() as connection:
            connection.sendall(command(b"SCRIPT", b"LOAD", self.FLAT))
            self.script = connection.recv(256).split(b"\r\n")[1].decode()
        port = free_port()
        configuration = pathlib.Path(folder, "webdis.json")
        configuration.write_text(json.dumps({
            "redis_host": "127.0.0.1", "redis_port": redis.port, "http_host": "127.0.0.1", "http_port": port,
            "threads": 1, "pool_size": 20, "daemonize": False, "database": 0, "verbosity": 0,
            "logfile": f"{folder}/webdis.log"}))
        self.server = bench.closing(Server([bench.webdis, configuration], SERVER_CORE))
        self.url = f"http://127.0.0.1:{port}"
        fetch(f"{self.url}/PING")

    def page(self, stream, count):
        return f"{self.url}/EVALSHA/{self.script}/1/{stream}/{count}.raw"


class Zaqar:
    """Zaqar's WSGI application in uWSGI, messages and queues in Redis."""

    def __init__(self, bench, folder, redis):
        home = pathlib.Path(folder, "home")
        (home / ".zaqar").mkdir(parents=True)
        (home / ".zaqar" / "zaqar.conf").write_text(ZAQAR_CONF.format(redis=redis.url))
        port = free_port()
        self.server = bench.closing(Server(
            [bench.zaqar_python.parent / "pyuwsgi", "--http", f"127.0.0.1:{port}", "--http-keepalive=1", "--processes",
             ZAQAR_PROCESSES, "--master", "--die-on-term", "--listen", "100", "--disable-logging", "--module",
             "zaqar.transport.wsgi.app:app"],
            SERVER_CORE, log=f"{folder}/zaqar.log", env={**os.environ, "HOME": str(home)}, cwd=folder))
        self.url = f"http://127.0.0.1:{port}"
        self.wait()

    def wait(self):
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/", timeout=5):
                    return
            except urllib.error.HTTPError:
                return  # it speaks
            except OSError:
                time.sleep(0.1)
        raise Failure("Zaqar did not answer")

    def add(self, queue, bodies):
        for start in range(0, len(bodies), ZAQAR_POST_MAX):
            messages = [{"ttl": 86_400, "body": json.loads(body)} for body in bodies[start:start + ZAQAR_POST_MAX]]
            request = urllib.request.Request(
                f"{self.url}/v2/queues/{queue}/messages", json.dumps({"messages": messages}).encode(),
                {**ZAQAR_HEADERS, "Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as response:
                response.read()

    def page(self, queue, count):
        return f"{self.url}/v2/queues/{queue}/messages?limit={count}&echo=true"


class RedisWriter(Server):
    """Adds entries to 1,000 streams, so many a second, in a process of its own."""

    def __init__(self, redis, rate, body):
        super().__init__([sys.executable, __file__, redis.port, rate], LOAD_CORE, stdin=subprocess.PIPE)
        self.process.stdin.write(body)
        self.process.stdin.close()


def write_to_redis(port, rate):
    body = sys.stdin.buffer.read()
    adds = [command(b"XADD", b"live:%d" % n, b"MAXLEN", b"~", b"1000", b"*", b"body", body) for n in range(1_000)]
    batch = rate // 100
    with socket.create_connection(("127.0.0.1", port)) as connection:
        at, due = 0, time.monotonic()
        while True:
            connection.sendall(b"".join(adds[(at + n) % 1_000] for n in range(batch)))
            at += batch
            answered = 0
            while answered < batch:  # each answer is a length and an id, two lines
                answered += connection.recv(1 << 16).count(b"$")
            due = max(due + 0.01, time.monotonic() - 0.1)  # what a pause left undone is not caught up
            time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    write_to_redis(int(sys.argv[1]), int(sys.argv[2]))
