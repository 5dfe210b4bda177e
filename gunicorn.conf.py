"""How gunicorn runs the service: one process with many threads."""

from signup import logging

bind = "127.0.0.1:5000"
workers = 1
worker_class = "gthread"
threads = 32
# A request may wait 5 seconds for Strapi's file and then hash a password.
timeout = 30
graceful_timeout = 30
logconfig_dict = logging.CONFIG
# gunicorn accepts no commands over a socket.
control_socket_disable = True
# gunicorn ignores forwarding headers. SIGNUP_PROXIES says how many proxies are trusted.
forwarded_allow_ips = ""
forwarder_headers = ""
