"""One Faust worker for each variant, written as its documentation has it and with its best settings.

Told what to do by JOB, as the other children; writes its figures to its standard output and stops."""

import asyncio
import datetime
import json
import os
import resource
import signal
import time

import faust

JOB = json.loads(os.environ["JOB"])
PLACE = JOB["place"]
STARTED = time.time()
ENDED = 3.5
"""Seconds after the last message in which its offset is committed: once each 2.8 s."""

app = faust.App(
    JOB["groupId"],
    broker=[f"kafka://{broker}" for broker in JOB["brokers"]],
    topic_partitions=4,
    topic_disable_leader=True,
    cython_optimizations=True,
    producer_linger=0.01,
    datadir=os.environ["DATA"],
)


class Order(faust.Record, isodates=True, serializer="json"):
    id: str
    user_id: str
    symbol: str
    quantity: int
    timestamp: datetime.datetime
    due: float = None


class Quality(Order, serializer="json"):
    market_price: float = None


class Activity(faust.Record, isodates=True, serializer="json"):
    user: str
    message: str
    timestamp: datetime.datetime


class Search(faust.Record, serializer="json"):
    query_string: str


class Meter:
    """Counts and measures as the meter of the other children."""

    def __init__(self):
        self.counted = 0
        self.first = None
        self.latencies = []

    def count(self, due=None):
        self.counted += 1
        if self.counted == 1:
            self.first = time.time() - STARTED
        if self.counted == JOB["warmUp"] + 1:
            self.at, self.cpu = time.time(), cpu()
        if due is not None and self.counted > JOB["warmUp"]:
            self.latencies.append(time.time() * 1000 - due)
        if self.counted == JOB["messages"]:
            asyncio.ensure_future(self.end(time.time() - self.at, cpu() - self.cpu))

    async def end(self, seconds, used):
        messages = JOB["messages"] - JOB["warmUp"]
        figures = dict(
            rate=messages / seconds,
            cpu=used * 1e6 / messages,
            core=used / seconds * 100,
            rss=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            first=self.first * 1000,
        )
        if self.latencies:
            ordered = sorted(self.latencies)
            figures.update(p50=ordered[len(ordered) // 2], p99=ordered[int(len(ordered) * 0.99)], longest=ordered[-1])
        await app.producer.flush() if PLACE["outs"] else None
        await asyncio.sleep(ENDED)
        # Not print: the worker makes log lines of what is printed.
        os.write(1, (json.dumps(figures) + "\n").encode())
        os.kill(os.getpid(), signal.SIGTERM)


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


meter = Meter()
http = None


async def session():
    """One session for all requests, made within the event loop."""
    global http
    if http is None:
        import aiohttp

        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100))
    return http


def consume():
    def is_kept(order):
        meter.count(order.due)
        order.quantity += 1
        return order.quantity % 10 != 0

    @app.agent(app.topic(JOB["topic"], value_type=Order))
    async def agent(orders):
        async for _ in orders.filter(is_kept):
            pass


def save():
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(PLACE["redisUrl"])

    @app.agent(app.topic(JOB["topic"], value_type=Activity))
    async def agent(activities):
        async for batch in activities.take(100, within=0.05):
            pipeline = client.pipeline(transaction=False)
            for activity in batch:
                pipeline.zadd(JOB["prefix"] + activity.user, {activity.message: activity.timestamp.timestamp() * 1000})
            await pipeline.execute()
            for _ in batch:
                meter.count()


def confirm():
    @app.agent(app.topic(JOB["topic"], value_type=Order), concurrency=50)
    async def agent(orders):
        async for order in orders:
            mail = {
                "user": order.user_id,
                "subject": "Order Confirmation",
                "body": f"Order: {order.quantity} shares of {order.symbol}",
            }
            async with (await session()).post(PLACE["postUrl"], json=mail) as response:
                await response.read()
                response.raise_for_status()
            meter.count()


def quality():
    out = app.topic(PLACE["outs"][0], key_type=str, value_type=Quality)
    influx = PLACE["influx"]

    async def price(order):
        at = order.timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        query = f"SELECT last(price) FROM marketdata WHERE symbol='{order.symbol}' AND time <= '{at}'"
        async with (await session()).get(
            influx["url"] + "/query",
            params={"db": influx["bucket"], "q": query},
            headers={"Authorization": f"Token {influx['token']}"},
        ) as response:
            answer = await response.json(content_type=None)
            return answer["results"][0]["series"][0]["values"][0][1]

    @app.agent(app.topic(JOB["topic"], value_type=Order), concurrency=50)
    async def agent(orders):
        async for order in orders:
            found = Quality(**order.asdict(), market_price=await price(order))
            await out.send(key=order.id, value=found)
            meter.count()


def answer():
    out = app.topic(PLACE["outs"][0], key_type=str, value_serializer="json")

    @app.agent(app.topic(JOB["topic"], value_type=Search), concurrency=50)
    async def agent(searches):
        async for search in searches:
            async with (await session()).post(
                f"{PLACE['esUrl']}/{PLACE['index']}/_search",
                json={"size": 1, "track_total_hits": False, "query": {"match": {"text": search.query_string}}},
            ) as response:
                hits = (await response.json(content_type=None))["hits"]["hits"]
            await out.send(key=hits[0]["_id"], value={**search.asdict(), "top_result": hits[0]})
            meter.count()


dict(faustConsume=consume, faustSave=save, faustConfirm=confirm, faustQuality=quality, faustAnswer=answer)[
    JOB["variant"]
]()

if __name__ == "__main__":
    app.main()
