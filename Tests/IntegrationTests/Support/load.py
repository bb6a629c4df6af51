"""Numbered records at a steady rate, published with kcat. Python's standard library only."""

import threading
import time

from Support.node import Failure

ACTIONS_MAX = 80_000  # the small test broker is good for some 100,000 messages


def body(number):
    """A record's value: no two are the same, and their lengths differ."""
    return b'{"event":"Numbered","details":{"number":%d,"filler":"%s"}}' % (number, b"x" * (number * 7 % 600))


class Load(threading.Thread):
    """Publishes `body(0)`, `body(1)`, … round robin over the queues of a project, until told to stop."""

    def __init__(self, topic, project, queues, per_second, body=body):
        super().__init__(daemon=True)
        self.topic, self.per_second, self.body = topic, per_second, body
        self.keys = [f"{project}/{queue}".encode() for queue in queues]
        self.ending, self.published, self.failure = threading.Event(), 0, None

    def run(self):
        try:
            kcat = self.topic.publisher()
            started = time.monotonic()
            while not self.ending.wait(0.02) and self.published < ACTIONS_MAX:
                due = min(int((time.monotonic() - started) * self.per_second), ACTIONS_MAX)
                for number in range(self.published, due):
                    kcat.stdin.write(self.keys[number % len(self.keys)] + b"\t" + self.body(number) + b"\n")
                kcat.stdin.flush()
                self.published = due
            kcat.stdin.close()
            if kcat.wait(timeout=60) != 0:
                raise Failure(f"kcat ended with {kcat.returncode}")
        except Exception as error:  # raised again by `end`, on the main thread
            self.failure = error

    def end(self):
        """Stops, and returns how many records the brokers have acknowledged."""
        self.ending.set()
        self.join()
        if self.failure is not None:
            raise self.failure
        return self.published
