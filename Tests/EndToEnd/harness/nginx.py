# Owns Debian's nginx before the sidecar, with its default `proxy_pass`: HTTP/1.0 upstream,
# `Connection: close`, the Host header rewritten to the address of the sidecar.
# Called by the fixture of the `nginx` front.
# Never reads or writes the machine's own nginx.
import os
import shutil
import socket

from .processes import free_port
from .waiting import eventually

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
        }}
        # What the documentation of nginx asks for where WebSockets pass.
        location /ws/ {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }}
    }}
}}
"""


def program():
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert found, "nginx is not installed; scripts/test installs it"
    return found


class Nginx:
    def __init__(self, workshop, upstream):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        home = workshop.folder / f"nginx-{self.port}"
        home.mkdir()
        file = home / "nginx.conf"
        # As root its worker would become www-data, who may not enter the test's folder.
        user = "user root root;" if os.geteuid() == 0 else ""
        file.write_text(
            CONFIGURATION.format(user=user, home=home, port=self.port, upstream=upstream)
        )
        argv = [program(), "-p", home, "-c", file, "-e", "stderr"]
        self.process = workshop.start("nginx", argv, dict(os.environ), has_children=True)
        eventually(self.listens, what="nginx")

    def listens(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=2):
            return True
