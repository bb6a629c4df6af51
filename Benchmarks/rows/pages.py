"""1 and 2: pages under wrk, beside nginx with the same bytes as a file, webdis over Redis' streams, and Zaqar.

One core for the server with all its processes, the other for wrk and the writer. Only the contender whose turn it is
runs, the others are stopped; a writer puts 10,000 actions a second into Strandline's topic (also while nginx is
measured: it takes the same share of wrk's core) or into Redis' streams. Zaqar could not take such a rate: nobody
writes.
"""

import json
import time

from harness.load import fill, writer, wrk
from harness.measure import Figure, alternate, column
from harness.peers import ZAQAR_HEADERS, Nginx, Redis, RedisWriter, Webdis, Zaqar
from harness.processes import LOAD_CORE, SERVER_CORE, EmbeddedBroker, Failure, ServingNode, fetch

PARTITIONS = 16
RATE = 10_000
LIMITS = [10, 50]
CONNECTIONS = [16, 64]
QUEUE = "queue-7"
ACTIONS = 100_000  # before the writer begins, over 1,000 queues
ANSWERS_TO_OTHERS_MAX = 100


class Contender:
    def __init__(self, page, servers, writers=(), headers=None):
        self.page, self.servers, self.writers, self.headers = page, servers, writers, headers

    def pids(self):
        return [pid for server in self.servers for pid in server.pids]


def run(bench):
    folder = bench.folder()
    seconds = bench.size(full=3, quick=1)
    settle_seconds = bench.size(full=1, quick=0.5)  # after a contender goes on: a round of the node's metrics
    broker = bench.closing(EmbeddedBroker(bench, PARTITIONS, LOAD_CORE))
    fill(bench, broker, ACTIONS)
    node = ServingNode(bench, broker, SERVER_CORE)
    node.wait_until_ready()
    node.wait_for_stored(ACTIONS)

    def feed(limit):
        return f"{node.url}/v1/bench/queues/{QUEUE}/actions?limit={limit}"

    pages = {limit: fetch(feed(limit)) for limit in LIMITS}
    bodies = [json.dumps(item["body"], separators=(",", ":")).encode() for item in json.loads(pages[50])["messages"]]
    assert len(bodies) == 50 and all(len(body) == 400 for body in bodies), "not the actions that were written"
    nginx = Nginx(bench, bench.folder(), pages)
    redis, zaqar_redis = Redis(bench, folder), Redis(bench, bench.folder())
    redis.add(b"queue", bodies)
    webdis = Webdis(bench, folder, redis)
    zaqar = Zaqar(bench, folder, zaqar_redis)
    zaqar.add("queue", bodies)
    live = bench.closing(writer(bench, broker, RATE))
    redis_live = bench.closing(RedisWriter(redis, RATE, bodies[0]))

    contenders = {
        "ours": Contender(feed, [node], [broker, live]),
        "nginx": Contender(nginx.page, [nginx.server], [broker, live]),
        "webdis": Contender(
            lambda limit: webdis.page("queue", limit), [webdis.server, redis.server], [redis_live]),
        "zaqar": Contender(
            lambda limit: zaqar.page("queue", limit), [zaqar.server, zaqar_redis.server], headers=ZAQAR_HEADERS)}
    everyone = {process for one in contenders.values() for process in [*one.servers, *one.writers]}

    def one(contender, limit, connections):
        def measure(warming_up):
            running = {*contender.servers, *contender.writers}
            for process in everyone - running:
                process.pause()
            for process in running:
                process.resume()
            time.sleep(settle_seconds)
            if node in contender.servers:
                # What came while it was stopped. The broker drops what waits for too long.
                node.wait_until_caught_up(RATE)
            url = contender.page(limit)
            # webdis gives the next client what one that went away had asked for, until its connections are through.
            for _ in range(ANSWERS_TO_OTHERS_MAX):
                count = fetch(url, contender.headers).count(b'ClaimExpired')
                if count == limit:
                    break
            else:
                raise Failure(f"{count} actions at {url}")
            return wrk(url, connections, 1 if warming_up else seconds, contender.pids(), contender.headers)
        return measure

    results = alternate(bench.rounds, {
        (name, limit, connections): one(contender, limit, connections)
        for limit in LIMITS for connections in CONNECTIONS for name, contender in contenders.items()})
    for process in everyone:
        process.resume()
    return [
        figure(results, row, name, baseline, goals[limit], limit, connections, len(pages[limit]))
        for row, name, baseline, goals in [
            (1, "nginx", "nginx, a file of the same bytes", {10: 1.2, 50: 1.0}),
            (2, "webdis", "webdis + Redis stream, XRANGE COUNT", {10: 5, 50: 5}),
            (2, "zaqar", "Zaqar, Redis message store", {10: 100, 50: 100})]
        for limit in LIMITS for connections in CONNECTIONS]


def figure(results, row, name, baseline, goal, limit, connections, size):
    ours, base = results["ours", limit, connections], results[name, limit, connections]

    def median(rounds, name):
        return sorted(column(rounds, name))[len(rounds) // 2]

    return Figure(
        row, f"page of {limit} ({size:,} B), {connections} connections", baseline, "≥", goal, "requests/s",
        column(ours, "rate"), column(base, "rate"), "µs a request", column(ours, "cpu"), column(base, "cpu"),
        f"server's core busy {median(ours, 'busy'):.0%} / {median(base, 'busy'):.0%}, the other one with wrk "
        f"{median(ours, 'wrk_busy'):.0%} / {median(base, 'wrk_busy'):.0%}")
