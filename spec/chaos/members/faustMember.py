"""A member written with Faust, as its documentation shows it: an agent that handles one event after the other.

Its settings come as JSON in JOB, as in job.ts; `style` is not used.
"""
import asyncio
import json
import os
import time

import faust

job = json.loads(os.environ["JOB"])
concurrency = int(os.environ.get("CONCURRENCY", "1"))
ledger = os.open(job["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

app = faust.App(
    job["groupId"],
    broker="kafka://" + job["broker"],
    broker_session_timeout=job["sessionTimeout"] / 1000,
    broker_heartbeat_interval=job["sessionTimeout"] / 3000,
    topic_disable_leader=True,
)


def write(what, event):
    message = event.message
    line = f"{what} {time.time_ns() // 1_000_000} {message.topic} {message.partition} {message.offset} {message.key.decode()}\n"
    os.write(ledger, line.encode())


def work_of(message):
    drawn = (job["seed"] * 31 + message.partition * 7919 + message.offset * 104729) % 1009
    return 100 + 10 * drawn if drawn < 20 else drawn % 10


@app.agent(app.topic(*job["topics"], value_serializer="raw", key_serializer="raw"), concurrency=concurrency)
async def handle(stream):
    async for event in stream.events():
        write("start", event)
        await asyncio.sleep(work_of(event.message) / 1000)
        write("end", event)


if __name__ == "__main__":
    app.main()
