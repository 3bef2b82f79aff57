#!/usr/bin/env python3
"""A remote worker for Orrery, with nothing but Python's own library.

    ORRERY_URL=http://localhost:8080 python3 worker.py

It registers, fetches tasks for the handlers below, does up to WORKER_SLOTS of them at once, and reports what became of
them. Ctrl-C or SIGTERM lets running tasks finish for WORKER_GRACE seconds and signs off. Write handlers of your own at
the end of this file: a function gets the input and a Task, and returns the output.
"""

import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.parse
import uuid

# Several nodes may be named, parted by commas: where one cannot be reached the next is asked.
SERVERS = os.environ.get("ORRERY_URL", "http://localhost:8080").split(",")
TENANT = os.environ.get("ORRERY_TENANT", "")
API_TOKEN = os.environ.get("ORRERY_TOKEN", "")
NAME = os.environ.get("WORKER_NAME", socket.gethostname())
SLOTS = int(os.environ.get("WORKER_SLOTS", "2"))
GRACE = float(os.environ.get("WORKER_GRACE", "30"))
LEASE_MS = int(os.environ.get("WORKER_LEASE_MS", "15000"))
POLL_MS = 20_000


def say(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


class Refused(Exception):
    """An answer that another try would not change."""

    def __init__(self, status, body):
        super().__init__(body.get("message", str(status)))
        self.status = status
        self.code = body.get("code", "")


class Api:
    """Calls a node, and tries again with growing waits while none answers or they are overloaded."""

    def __init__(self):
        self.server = 0
        self.worker_token = None

    def call(self, method, path, body=None, patience=None, unless=lambda: False, hold=None):
        """
        patience: for how many seconds it is tried again, None: for ever
        unless: whether to try no more
        hold: told of the open connection
        """
        key = str(uuid.uuid4())  # the same for each try, so that it has its effect once
        began = time.monotonic()
        for attempt in range(1_000_000):
            try:
                return self._once(method, path, body, key, hold)
            except Refused as refused:
                if refused.status not in (429, 500, 503):
                    raise
                problem = refused
            except (OSError, http.client.HTTPException) as unreachable:
                self.server += 1
                problem = unreachable
            if unless() or (patience is not None and time.monotonic() - began > patience):
                raise problem
            wait = min(5, 0.2 * 2 ** min(attempt, 6)) * random.uniform(0.5, 1)
            say(f"{method} {path}: {problem}; again in {wait:.1f} s")
            time.sleep(wait)

    def _once(self, method, path, body, key, hold):
        url = urllib.parse.urlsplit(SERVERS[self.server % len(SERVERS)])
        connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = connect(url.hostname, url.port, timeout=POLL_MS / 1000 + 10)
        headers = {}
        if method == "POST":
            headers.update({"Content-Type": "application/json", "Idempotency-Key": key})
        if API_TOKEN:
            headers["Authorization"] = "Bearer " + API_TOKEN
        if TENANT:
            headers["Orrery-Tenant"] = TENANT
        if self.worker_token:
            headers["Orrery-Worker-Token"] = self.worker_token
        try:
            connection.connect()
            if hold:
                hold(connection.sock)
            text = None if body is None else json.dumps(body)
            connection.request(method, "/api/v1/remote-workers" + path, text, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            try:
                raise Refused(response.status, json.loads(answer))
            except ValueError:
                raise Refused(response.status, {}) from None
        return json.loads(answer) if answer else {}


class Failed(Exception):
    """Raise it to say in which way a task failed, for its retryOn and giveUpOn: exit:75, http:503, timeout, start …"""

    def __init__(self, message, kind):
        super().__init__(message)
        self.kind = kind


def kind_of(error):
    """Any other exception goes by the name of its class, such as error:ValueError."""
    if isinstance(error, Failed):
        return error.kind
    name = type(error).__name__
    return "error:" + name if name.isascii() else "error"


class Task:
    """One claimed task, as a handler sees it."""

    def __init__(self, worker, assignment):
        self.worker = worker
        self.claim = assignment["claimId"]
        self.handler = assignment["handler"]
        self.input = assignment["input"]
        self.params = assignment["params"]
        self.outputs = assignment["outputs"]
        self.attempt = assignment["attempt"]
        self.stopped = threading.Event()
        """Set when someone cancels the task, or it is no longer this worker's: end it as soon as may be."""
        self.lost = False

    def log(self, message, level="info", **data):
        entry = {"level": level, "message": str(message)}
        if data:
            entry["data"] = data
        self.worker.api.call("POST", self._path("log"), {"entries": [entry]}, patience=30)

    def progress(self, percent):
        self.worker.api.call("POST", self._path("progress"), {"percent": percent}, patience=30)

    def _path(self, what):
        return f"/{self.worker.id}/claims/{self.claim}/{what}"

    def run(self):
        try:
            handler = HANDLERS[self.handler]
            output = handler(self.input, self)
            if self.stopped.is_set():
                raise InterruptedError("stopped")
            self._report("complete", {"output": output})
        except Exception as error:  # whatever it is, it is the task's failure and not the worker's
            self._report("fail", {"error": f"{type(error).__name__}: {error}", "kind": kind_of(error)})
        finally:
            self.worker.ended(self)

    def _report(self, what, body):
        if self.lost:
            return
        try:
            # The claim lasts while the worker shows that it lives, so this is tried until it is told or the claim is lost.
            self.worker.api.call("POST", self._path(what), body, unless=lambda: self.lost)
        except (Refused, OSError, http.client.HTTPException) as error:
            say(f"{self.claim}: {what} was not taken: {error}")


class Worker:

    def __init__(self):
        self.api = Api()
        self.id = None
        self.tasks = {}
        self.change = threading.Condition()
        self.stopping = threading.Event()
        self.poll_socket = None

    def register(self):
        self.api.worker_token = None
        made = self.api.call(
            "POST", "", {"name": NAME, "handlers": sorted(HANDLERS), "slots": SLOTS, "leaseMs": LEASE_MS},
            unless=self.stopping.is_set)
        self.api.worker_token = made["token"]
        self.id = made["id"]
        self.lease = made["leaseMs"] / 1000
        self.heartbeat = made["heartbeatMs"] / 1000
        self.proven = time.monotonic()
        say(f"registered as {self.id} for {', '.join(sorted(HANDLERS))}")

    def run(self):
        self.register()
        for work in (self._beat, self._poll):
            threading.Thread(target=work, daemon=True).start()
        self.stopping.wait()
        self._drain()

    def _known(self):
        with self.change:
            return list(self.tasks)

    def _beat(self):
        while True:
            time.sleep(self.heartbeat)
            sent = time.monotonic()
            try:
                answer = self.api.call(
                    "POST", f"/{self.id}/heartbeat", {"claims": self._known()}, patience=0)
                self.proven = sent
                self._obey(answer)
            except Refused as refused:
                if refused.status in (404, 410):
                    self._gone()
                else:
                    say(f"heartbeat: {refused}")
            except (OSError, http.client.HTTPException) as unreachable:
                say(f"heartbeat: {unreachable}")
            if time.monotonic() - self.proven > self.lease:
                # By now the tasks may have been given to others.
                self._drop(self._known())

    def _obey(self, answer):
        with self.change:
            for claim in answer["cancel"]:
                if claim in self.tasks:
                    say(f"{claim} is cancelled")
                    self.tasks[claim].stopped.set()
        self._drop(answer["lost"])

    def _drop(self, claims):
        with self.change:
            for claim in claims:
                if claim in self.tasks and not self.tasks[claim].lost:
                    say(f"{claim} is this worker's no more")
                    self.tasks[claim].lost = True
                    self.tasks[claim].stopped.set()

    def _gone(self):
        say("this worker was given up; it registers anew")
        self._drop(self._known())
        try:
            self.register()
        except (Refused, OSError, http.client.HTTPException) as error:
            say(f"could not register: {error}")  # the next heartbeat comes here again

    def _poll(self):
        while not self.stopping.is_set():
            with self.change:
                while len(self.tasks) >= SLOTS:
                    self.change.wait()
                free = SLOTS - len(self.tasks)
            try:
                answer = self.api.call(
                    "POST", f"/{self.id}/poll",
                    {"claims": self._known(), "max": free, "waitMs": POLL_MS}, hold=self._holds, patience=0)
            except Refused as refused:
                # The heartbeat finds out whether it is to register anew.
                say(f"poll: {refused}")
                self.stopping.wait(min(5, self.heartbeat) * random.uniform(0.5, 1))
                continue
            except (OSError, http.client.HTTPException) as unreachable:
                if not self.stopping.is_set():
                    say(f"poll: {unreachable}")
                    self.stopping.wait(random.uniform(0.5, 1))
                continue
            self._obey(answer)
            for assignment in answer["assignments"]:
                self._begin(assignment)

    def _holds(self, open_socket):
        self.poll_socket = open_socket

    def _begin(self, assignment):
        with self.change:
            if self.stopping.is_set() or assignment["claimId"] in self.tasks:
                return  # given back by signing off; or told twice
            task = Task(self, assignment)
            self.tasks[task.claim] = task
        threading.Thread(target=task.run, daemon=True).start()

    def ended(self, task):
        with self.change:
            self.tasks.pop(task.claim, None)
            self.change.notify_all()

    def stop(self, *_):
        self.stopping.set()

    def _drain(self):
        say("stopping: waits for what runs, and signs off")
        if self.poll_socket:
            try:
                self.poll_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was over
        end = time.monotonic() + GRACE
        with self.change:
            while self.tasks and time.monotonic() < end:
                self.change.wait(end - time.monotonic())
        try:
            self.api.call("DELETE", f"/{self.id}", patience=5)
        except (Refused, OSError, http.client.HTTPException) as error:
            say(f"could not sign off: {error}")


# The handlers: what this worker can do.


def echo(given, task):
    return given


def count_words(given, task):
    words = given["text"].split()
    task.log("counted", words=len(words))
    return {"words": len(words)}


def wait(given, task):
    """A long task has to look now and then whether it is to end."""
    for second in range(int(given["seconds"])):
        task.log(f"second {second + 1} of {given['seconds']}")
        task.progress(100 * second // int(given["seconds"]))
        if task.stopped.wait(1):
            raise InterruptedError("stopped while waiting")
    return {"waited": given["seconds"]}


HANDLERS = {"echo": echo, "count-words": count_words, "wait": wait}

if __name__ == "__main__":
    worker = Worker()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()
