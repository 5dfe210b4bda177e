"""Several instances of the service on one database server, behind the nginx of `deploy/`."""

from pathlib import Path
from typing import Self

from tests.support.database_servers import Server
from tests.support.deployment import UPSTREAM, Nginx
from tests.support.http_client import Client
from tests.support.processes import Gunicorn
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_on_server import StrapiOnServer

INSTANCES = 3
# The header in which nginx tells the tests which instance answered.
INSTANCE_HEADER = "X-Instance"


class InstanceGroup:
    """Instances that share a ledger and a Strapi, and the nginx in front of them."""

    def __init__(
        self,
        folder: Path,
        server: Server,
        mail: SMTPServer,
        count: int = INSTANCES,
        **settings: object,
    ) -> None:
        self.mail = mail
        self.strapi = StrapiOnServer.on(server, "strapi")
        self.ledger = StrapiOnServer.empty(server, "ledger")
        needed = required(self.strapi, mail, folder) | {"LEDGER": self.ledger.url}
        named = {**needed, "PROXIES": 1, **settings}
        self.instances = [Gunicorn(named, folder / f"output{n}") for n in range(count)]
        upstreams = [UPSTREAM.replace("5000", str(each.port)) for each in self.instances]
        timeout = "proxy_read_timeout 30s;"
        header = f"add_header {INSTANCE_HEADER} $upstream_addr always; {timeout}"
        self.nginx = Nginx(folder, "\n".join(upstreams), **{timeout: header})

    def __enter__(self) -> Self:
        for instance in self.instances:
            instance.begin()
        for instance in self.instances:
            instance.wait_until_up()
        self.nginx.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.nginx.kill()
        for instance in self.instances:
            instance.kill()

    def client(self, number: int = 1) -> Client:
        """A visitor with an IP of his own, who fills in forms at once."""
        return self.nginx.client(f"127.3.{number // 250}.{1 + number % 250}", pause=0)

    def stop(self) -> str:
        """Stop every instance, and return what they wrote."""
        return "\n".join(instance.stop() for instance in self.instances)

    def output(self) -> str:
        """What all instances have written so far."""
        return "\n".join(instance.output() for instance in self.instances)
