# Owns: how each proxy under test is configured and started, and its name and version.
# Called by: comparison.py and instructions.py.
# Never: gives a peer more work than the comparison names: no access log, no extra header, no cap
# on requests a connection; what a peer may skip, it skips.
"""The proxies: sidecar, nginx, HAProxy with jwt_verify, and the C floor."""

import tools
from credentials import SECRET_ENV
from processes import free_port

USER = 42  # whose token wrk sends


class Peer:
    """A proxy that can be started before an origin. `work` is the room for its files and runs."""

    name = label = ""

    def __init__(self, work, origin_port, secret, cores=None):
        self.work, self.origin_port, self.secret, self.cores = work, origin_port, secret, cores
        self.port = free_port()
        self.server = None

    def command(self):
        """Writes the configuration and returns the command line."""
        raise NotImplementedError

    def start(self, wrapper=(), patience=20):
        self.server = self.work.start(
            self.name, [*wrapper, *self.command()], self.port, cores=self.cores,
            environment={SECRET_ENV: self.secret}, patience=patience)
        return self.server


class Sidecar(Peer):
    """The project's proxy: one loop, token verified, presence and SQLite on."""

    name = label = "sidecar"

    def __init__(self, *arguments, program, routes="", variant="", keys="", **options):
        super().__init__(*arguments, **options)
        self.program, self.routes, self.variant, self.keys = program, routes, variant, keys
        self.database = str(self.work.path / f"presence{variant}.sqlite3")

    def command(self):
        config = f"""{{
            listen: ["127.0.0.1:{self.port}"],
            workers: 1,
            upstream: {{ servers: ["http://127.0.0.1:{self.origin_port}"] }},
            tokens: {{ keys: [{{ algorithms: ["HS256"], secret_env: "{SECRET_ENV}" }}, {self.keys}] }},
            routes: [{self.routes}],
            store: {{ path: "{self.database}" }},
            log: {{ level: "warning", access: null }},
        }}"""
        path = self.work.write(f"sidecar{self.variant}.json5", config)
        return [self.program, "run", "--config", path]

    def version(self):
        return tools.version(self.program, "--version")


class Nginx(Peer):
    """One worker, keep-alive to the upstream. It neither looks at tokens nor adds fields."""

    name = label = "nginx"
    master = True

    def command(self):
        folders = "\n".join(
            f"    {kind}_temp_path {self.work.path}/nginx-{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = f"""
worker_processes 1;
daemon off;
master_process {"on" if self.master else "off"};
pid {self.work.path}/nginx.pid;
error_log {self.work.path}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
{folders}
    keepalive_requests 100000000;
    upstream origin {{
        server 127.0.0.1:{self.origin_port};
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{self.port};
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
        path = self.work.write("nginx.conf", config)
        return [tools.program("nginx"), "-p", str(self.work.path), "-c", path,
                "-e", f"{self.work.path}/nginx-error.log"]

    def version(self):
        return tools.version(tools.program("nginx"), "-v").replace("nginx version: ", "")


class SingleNginx(Nginx):
    """Without the master process: for callgrind, which follows one process."""

    master = False


class HAProxy(Peer):
    """One thread; the token's signature verified on each request; a stick table by user id.

    It neither checks `exp` nor the header's `alg` against the key, which a careful configuration
    would add: what is left out only makes the peer faster.
    """

    name, label = "haproxy", "haproxy+jwt"
    algorithm = "HS256"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.control = str(self.work.path / f"haproxy-{self.port}.sock")

    def key(self):
        return f"${{{SECRET_ENV}}}"

    def command(self):
        config = f"""
global
    nbthread 1
    maxconn 256
    stats socket {self.control} mode 600 level admin

defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 75s

frontend entry
    bind 127.0.0.1:{self.port}
    http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify("{self.algorithm}","{self.key()}") 1 }}
    http-request track-sc0 http_auth_bearer,jwt_payload_query('$.user_id') table people
    default_backend origin

backend people
    stick-table type string len 64 size 100k expire 2m store http_req_cnt

backend origin
    http-reuse always
    server origin 127.0.0.1:{self.origin_port}
"""
        path = self.work.write(f"haproxy-{self.port}.cfg", config)
        return [tools.program("haproxy"), "-db", "-f", path]

    def version(self):
        return tools.version(tools.program("haproxy"), "-v").split(" - ")[0]


class KeyedHAProxy(HAProxy):
    """The same, with a public key for an algorithm other than HS256."""

    def __init__(self, *arguments, algorithm, key, **options):
        super().__init__(*arguments, **options)
        self.algorithm, self.path = algorithm, key

    def key(self):
        return self.path


class Floor(Peer):
    """The C byte forwarder: what the kernel alone costs."""

    name, label = "floor", "floor (C)"

    def __init__(self, *arguments, program, answer_bytes, **options):
        super().__init__(*arguments, **options)
        self.program, self.answer_bytes = program, answer_bytes

    def command(self):
        return [self.program, str(self.port), str(self.origin_port), str(self.answer_bytes)]

    def version(self):
        return "Tests/Benchmarks/floor.c, cc -O2"
