"""Processes that share a ledger count failed logins together."""

import multiprocessing
import os
from multiprocessing.queues import Queue
from pathlib import Path

from tests.conftest import every_engine
from tests.support.service import WRONG_PASSWORD, Service, Visitor
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SQLiteFile, StrapiFile


@every_engine
def test_two_processes_allow_five_guesses_together(service: Service) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    given = (service.strapi.url, service.ledger.url, service.mail.port, answers)
    processes = [context.Process(target=guess_in_a_process, args=given) for _ in range(2)]
    for process in processes:
        process.start()
    statuses = [answers.get(timeout=120) for _ in range(24)]
    for process in processes:
        process.join()

    assert sorted(statuses) == [422] * 5 + [429] * 19


def guess_in_a_process(strapi: str, ledger: str, port: int, answers: "Queue[int]") -> None:
    settings: dict[str, object] = {"STRAPI_DATABASE": strapi, "LEDGER": ledger}
    nowhere = Path(os.devnull)
    service = Service(StrapiFile(nowhere), SMTPServer(port), SQLiteFile(nowhere), settings)
    visitor = Visitor(service, "192.0.2.7")
    for _ in range(12):
        answers.put(visitor.log_in(SUE, WRONG_PASSWORD).status_code)
    service.end()
