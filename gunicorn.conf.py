"""How gunicorn runs the service: one worker, whose courier is the only one; many threads."""

from signup import logging

bind = "127.0.0.1:5000"
workers = 1
worker_class = "gthread"
threads = 32
# A page may wait 5 seconds for Strapi's file and hash a password besides.
timeout = 30
graceful_timeout = 30
logconfig_dict = logging.CONFIG
# Nobody commands the service from outside.
control_socket_disable = True
# Nor does it believe what a request says about forwarding: `SIGNUP_PROXIES` does, where it is set.
forwarded_allow_ips = ""
forwarder_headers = ""
